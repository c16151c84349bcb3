import { parse } from "yaml";

export interface UserData {
  /** Host keys, as files of /etc/ssh. */
  readonly planted: Readonly<Record<string, string>>;
  readonly script: string | undefined;
}

/**
 * The two forms of user data that cloud-init reads most: a script (`#!`), and `#cloud-config`, of which this knows
 * `ssh_keys` ("SSH" in cloud-init's module reference) and nothing else.
 *
 * @param data base64, as RunInstances has it.
 * @throws {Error} for a cloud-config that wants more.
 */
export function readUserData(data: string | undefined): UserData {
  const text = Buffer.from(data ?? "", "base64").toString();
  if (text.startsWith("#!")) return { planted: {}, script: text };
  if (!text.startsWith("#cloud-config")) return { planted: {}, script: undefined };
  const { ssh_keys: keys = {}, ...others } = parse(text) as { ssh_keys?: Record<string, string> };
  const [other] = Object.keys(others);
  if (other !== undefined && other !== "ssh_deletekeys")
    throw new Error(`user data asks for ${other}, which is not built here`);
  const planted = Object.entries(keys).map(([name, value]) => {
    const [, kind, part] = /^(rsa|ecdsa|ed25519)_(private|public)$/.exec(name) ?? [];
    if (kind === undefined) throw new Error(`ssh_keys has no ${name}`);
    return [`ssh_host_${kind}_key${part === "public" ? ".pub" : ""}`, value] as const;
  });
  return { planted: Object.fromEntries(planted), script: undefined };
}
