import { readFile } from "node:fs/promises";
import { printedHostKeys } from "../console.ts";
import type { NamedValue } from "../machine.ts";
import type { Ec2Files, Ec2Instance, Ec2Known } from "./ec2-spec.ts";

/**
 * Values that are one instance's alone. Its host name and private DNS name are not among them: cloud-init writes them into
 * /etc/hostname and /etc/hosts, by right, and anew for each instance.
 */
export async function identityOf(
  id: string,
  files: Ec2Files,
  { privateIp, publicIp, ipv6, publicDns, mac }: Ec2Instance,
  known: Ec2Known,
): Promise<readonly NamedValue[]> {
  const blob = (line: string) => line.trim().split(" ")[1] ?? line;
  const user = await readFile(`${files.userKey}.pub`, "utf8").catch(() => "");
  const hostKeys = new Set([...(known.hostKeys ?? []), ...(await printedHostKeys(files.console))].map(blob));
  const values: readonly (readonly [string, string | undefined])[] = [
    ["id", id],
    ["machine-id", known.machineId],
    ["private address", privateIp],
    ["public address", publicIp],
    ["IPv6 address", ipv6],
    ["public DNS name", publicDns],
    ["MAC address", mac],
  ];
  return [
    ...values.flatMap(([name, value]) => (value ? [{ name: `the build machine's ${name}`, value }] : [])),
    { name: "the build's SSH key", value: blob(user) },
    ...[...hostKeys].map((value) => ({ name: "the build machine's host key", value })),
  ];
}
