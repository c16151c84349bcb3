import { join } from "node:path";

export interface Link {
  /** First part of the name: `shop`. */
  readonly name: string;
  /** An address to hand requests to, or a folder. */
  readonly target: string;
}

/** The service's params and what the runner says, as scripts get them. */
export interface Settings {
  readonly zone: string;
  readonly links: readonly Link[];
  readonly address: string;
  readonly port: number;
  /** Of a certificate by the private CA. */
  readonly days: number;
  /** Directory's URL, or undefined for the private CA. */
  readonly acme: string | undefined;
  readonly acmeEmail: string | undefined;
  /** File with key and certificates of the private CA's issuer. */
  readonly issuer: string;
  readonly instance: string;
  readonly state: string;
  /** Apache's folder of *.conf files. */
  readonly sites: string;
}

/** @throws {Error} For links that are none. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { ZONE = "", LINKS = "", ADDRESS = "", PORT, DAYS, ACME, ACME_EMAIL } = env;
  const { BOOTLACE_INSTANCE_ID = "", BOOTLACE_STATE = "", BOOTLACE_CREDENTIALS = "/nonexistent" } = env;
  const { APACHE_SITES = "", APACHE_PORT = "80" } = env;
  return {
    zone: ZONE.replace(/\.$/, ""),
    links: LINKS.split(" ")
      .filter(Boolean)
      .map((text) => readLink(text, APACHE_PORT)),
    address: ADDRESS,
    port: Number(PORT),
    days: Number(DAYS),
    acme: ACME || undefined,
    acmeEmail: ACME_EMAIL || undefined,
    issuer: join(BOOTLACE_CREDENTIALS, "issuer"),
    instance: BOOTLACE_INSTANCE_ID,
    state: BOOTLACE_STATE,
    sites: APACHE_SITES,
  };
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** What may stand in Apache's configuration without quotes. */
const TARGET = /^(?:https?:\/\/[A-Za-z0-9.:[\]-]+|\/)[A-Za-z0-9._~/-]*$/;

function readLink(text: string, apachePort: string): Link {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  const target = at < 0 ? `http://127.0.0.1:${apachePort}` : text.slice(at + 1);
  if (!LABEL.test(name)) throw new Error(`links: "${name}" cannot be part of a name: lower-case letters, digits and -`);
  if (!TARGET.test(target))
    throw new Error(`links: expected an http:// address or a folder for ${name}, got "${target}"`);
  return { name, target };
}

/**
 * The link's whole name, `<link>-<machine>.<zone>`: RFC 1035, section 2.3.4, allows 63 characters a part.
 *
 * @param zone The zone's name.
 */
export function hostName({ name }: Link, instance: string, zone: string): string {
  const machine = instance.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const label = `${name}-${machine}`.replace(/-+$/, "");
  if (label.length > 63) throw new Error(`${label} has ${label.length} characters, a part of a name may have 63`);
  return `${label}.${zone}`;
}
