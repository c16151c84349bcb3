export interface LeftoverRow {
  readonly what: string;
  /** Of the whole path, `/`-rooted. */
  readonly path: RegExp;
  /** Of the file's content, where the path alone does not tell. */
  readonly content?: RegExp;
}

/** A home folder's path, from the root. */
const HOME = "^/(?:root|home/[^/]+)/";

/** Leftovers that are known by where they lie; the other half of the hygiene table, looked for rather than removed. */
export const LEFTOVERS: readonly LeftoverRow[] = [
  { what: "an SSH host key", path: /^\/etc\/ssh\/ssh_host_.*_key(\.pub)?$/ },
  { what: "a machine-id", path: /^\/etc\/machine-id$/, content: /\S/ },
  { what: "a machine-id", path: /^\/var\/lib\/dbus\/machine-id$/, content: /\S/ },
  { what: "a private key", path: new RegExp(`${HOME}\\.ssh/`), content: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  {
    what: "a history",
    path: new RegExp(`${HOME}\\.(?:[a-z_]*history|rediscli_history|lesshst|viminfo|wget-hsts)$`),
    content: /\S/,
  },
  {
    what: "credentials",
    path: new RegExp(
      `${HOME}(?:\\.netrc|\\.git-credentials|\\.npmrc|\\.pypirc|\\.pgpass|\\.my\\.cnf|\\.vault-token|\\.docker/config\\.json|\\.aws/(?:credentials|cli/cache/.*|sso/cache/.*)|\\.kube/config|\\.config/gcloud/.*|\\.azure/.*)$`,
    ),
  },
  { what: "state of cloud-init", path: /^\/var\/lib\/cloud\// },
  { what: "the systemd journal", path: /^\/var\/log\/journal\// },
  { what: "a log with content", path: /^\/var\/log\//, content: /\S/ },
  { what: "a DHCP lease", path: /^\/var\/lib\/(?:dhcp|dhclient)\// },
  { what: "a random seed", path: /^\/var\/lib\/(?:systemd|urandom)\/random-seed$/ },
  { what: "a secret's file", path: /^\/(?:var\/lib\/bootlace|run\/bootlace)\/(?:secrets|cred)\// },
  { what: "a run's record", path: /^\/var\/lib\/bootlace\/runs\// },
];
