import { relative } from "node:path";
import { EXIT } from "../../stage2/index.ts";
import { newCa, type PrivateCa } from "../cert/private-ca.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { loadConfig } from "../project/load-config.ts";

/** `bootlace cert new ZONE` */
const run: CommandRun = async (context) => {
  const { dir, args } = context;
  sayCa(context, await newCa(dir, loadConfig(dir).name, (args[0] ?? "").toLowerCase().replace(/\.$/, "")));
  return EXIT.ok;
};

export default run;

/** What people are to know of a CA and its issuer. */
export function sayCa({ dir, json, stdout }: CommandContext, ca: PrivateCa): void {
  if (json) {
    stdout.write(`${JSON.stringify({ ...ca, until: ca.until.toISOString() })}\n`);
    return;
  }
  const lines = [
    `CA for names below ${ca.zone}`,
    `  root     ${relative(dir, ca.root)}: commit it; clients trust it (curl --cacert)`,
    `  its key  ${ca.rootKey}: stays at this desk; keep a copy where a lost disk cannot take it`,
    `  issuer   ${ca.issuer}, until ${ca.until.toISOString().slice(0, 10)}: the secret of bootlace/test,`,
    '           secrets: {bootlace/test.issuer: "file:/etc/bootlace/issuer.pem"} or wherever machines have it',
  ];
  stdout.write(`${lines.join("\n")}\n`);
}
