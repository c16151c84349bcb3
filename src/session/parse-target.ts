import { BootlaceError } from "../../stage2/index.ts";

export interface SshTarget {
  /** As typed, without user and port: a name of the configuration, a DNS name or an address. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/**
 * Takes `[user@]host[:port]` apart; an IPv6 address with a port stands in brackets. `ssh://` in front is allowed.
 *
 * @throws {BootlaceError} `E_SESSION_TARGET` for what no host can be called; a leading `-` would be an option of ssh(1).
 */
export function parseTarget(text: string): SshTarget {
  const plain = text.trim().replace(/^ssh:\/\//, "");
  const at = plain.lastIndexOf("@");
  const user = at < 0 ? undefined : plain.slice(0, at);
  const place = plain.slice(at + 1);
  const fits = /^\[([^[\]]+)\](?::(\d+))?$/.exec(place) ?? /^([^:[\]]+)(?::(\d+))?$/.exec(place) ?? bareV6(place);
  const [, host = "", port] = fits ?? [];
  if (!/^[A-Za-z0-9_.:%][A-Za-z0-9_.:%-]*$/.test(host) || user === "" || /^-|[\s'"`$\\;&<>|(){}]/.test(user ?? ""))
    throw badTarget(text);
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && (number < 1 || number > 65535)) throw badTarget(text);
  return { host, ...(user !== undefined && { user }), ...(number !== undefined && { port: number }) };
}

const bareV6 = (place: string): readonly string[] | undefined =>
  /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?$/.test(place) ? [place, place] : undefined;

function badTarget(text: string): BootlaceError {
  return new BootlaceError("E_SESSION_TARGET", `Expected a host as [user@]host[:port], came "${text}"`, {
    hint: "Write an IPv6 address with a port as [::1]:22.",
  });
}
