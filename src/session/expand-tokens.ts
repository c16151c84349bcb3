import { createHash } from "node:crypto";
import { hostname, userInfo } from "node:os";

export interface TokenValues {
  readonly host: string;
  readonly typed: string;
  readonly port: number;
  readonly user: string;
  readonly alias?: string | undefined;
}

/** `~` and the tokens of ssh_config(5), TOKENS, that `ssh -G` leaves as they are written. Variables as `${NAME}` too. */
export function expandTokens(text: string, values: TokenValues): string {
  return withTokens(
    text.replace(/\$\{(\w+)\}/g, (_whole, name: string) => process.env[name] ?? ""),
    values,
  ).replace(/^~(?=\/|$)/, userInfo().homedir);
}

/** The tokens alone: what a ProxyCommand takes, in which the shell expands the rest. */
export function withTokens(text: string, { host, typed, port, user, alias }: TokenValues): string {
  const { homedir, username, uid } = userInfo();
  const local = hostname();
  const connection = createHash("sha1").update(`${local}${host}${port}${user}`).digest("hex");
  const of: Readonly<Record<string, string>> = {
    "%": "%",
    C: connection,
    d: homedir,
    h: host,
    i: String(uid),
    k: alias ?? typed,
    L: local.split(".")[0] ?? local,
    l: local,
    n: typed,
    p: String(port),
    r: user,
    u: username,
  };
  return text.replace(/%(.)/g, (whole, token: string) => of[token] ?? whole);
}
