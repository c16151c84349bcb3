export interface LeftoverRow {
  readonly what: string;
  /** Of the whole path, `/`-rooted. */
  readonly path: RegExp;
  /** Of the file's content, where the path alone does not tell. */
  readonly content?: RegExp;
}

/**
 * A private key in any file: PEM's first line (RFC 7468; the older headers of RFC 1421 may follow) and at least forty
 * characters of base64, with line ends as they are or escaped as in JSON.
 */
export const PRIVATE_KEY = {
  what: "a private key",
  content:
    /-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----(?:\s|\\[rn])+(?:[A-Za-z-]+: [^\n\\]*(?:\\r)?(?:\n|\\n))*(?:\s|\\[rn])*[A-Za-z0-9+/=]{40}/,
} as const;

/** Files in which tools keep what gives access, by where they lie in a home folder. */
const CREDENTIALS = [
  "\\.netrc",
  "\\.git-credentials",
  "\\.pypirc",
  "\\.pgpass",
  "\\.my\\.cnf",
  "\\.vault-token",
  "\\.docker/config\\.json",
  "\\.kube/config",
  "\\.aws/credentials",
  "\\.aws/(?:cli|sso)/cache/.+",
  "\\.azure/.+",
  "\\.cargo/credentials(?:\\.toml)?",
  "\\.config/gcloud/.+",
  "\\.config/gh/hosts\\.yml",
];

/**
 * Leftovers that are known by where they lie; the other half of the hygiene table, looked for rather than removed. What
 * belongs to a home folder is looked for in every folder: any may be the home of a service's user.
 */
export const LEFTOVERS: readonly LeftoverRow[] = [
  { what: "an SSH host key", path: /^\/etc\/ssh\/ssh_host_.*_key/ },
  { what: "a machine-id", path: /^\/etc\/machine-id$/, content: /\S/ },
  { what: "a machine-id", path: /^\/var\/lib\/dbus\/machine-id$/, content: /\S/ },
  { what: PRIVATE_KEY.what, path: /\/\.ssh\//, content: /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/ },
  {
    what: "a history",
    path: /\/(?:\.[a-z_]*history(?:-\d+\.tmp)?|fish\/fish_history|\.histfile|\.lesshst|\.viminfo|\.wget-hsts)$/,
    content: /\S/,
  },
  { what: "an editor's swap file", path: /\/\.[^/]*\.sw[a-p]$/, content: /^b0(?:VIM|nano)/ },
  { what: "credentials", path: new RegExp(`/(?:${CREDENTIALS.join("|")})$`) },
  { what: "credentials", path: /\/\.npmrc$/, content: /_(?:authToken|auth|password)\s*=/ },
  { what: "credentials", path: /\/\.aws\/config$/, content: /aws_(?:secret_access_key|session_token)/ },
  { what: "state of cloud-init", path: /^\/var\/lib\/cloud\// },
  { what: "the systemd journal", path: /^\/var\/log\/journal\// },
  { what: "a log with content", path: /^\/var\/log\//, content: /\S/ },
  { what: "a DHCP lease", path: /^\/var\/lib\/(?:(?:dhcp|dhclient|dhcpcd)\/|NetworkManager\/.*\.lease$)/ },
  { what: "a timestamp of sudo", path: /^\/var\/(?:lib\/sudo\/ts|db\/sudo)\// },
  { what: "a random seed", path: /^\/var\/lib\/(?:systemd|urandom)\/random-seed$/ },
  { what: "a secret's file", path: /^\/(?:var\/lib\/bootlace|run\/bootlace)\/(?:secrets|cred)\// },
  { what: "presigned URLs, which run out", path: /^\/etc\/bootlace\/boot\.conf$/, content: /^auth=presigned$/m },
  { what: "a run's record", path: /^\/var\/lib\/bootlace\/(?:runs\/|journal\.damaged-)/ },
];
