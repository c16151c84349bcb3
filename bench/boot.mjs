// A boot with nothing to fetch: stage1, hand-over, plan, no scripts; beside the start of Node alone.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { folder } from "./machine.mjs";
import { measure, table } from "./measure.mjs";

const BOOTLACE = fileURLToPath(new URL("../bin/bootlace.js", import.meta.url));
const STAGE1 = fileURLToPath(new URL("../stage1/stage1", import.meta.url));

export function benchBoot() {
  const dir = folder();
  const project = join(dir, "project");
  mkdirSync(join(project, "services/web"), { recursive: true });
  writeFileSync(join(project, "bootlace.yaml"), "name: bench\nservices: [web]\nruntime: system\n");
  writeFileSync(join(project, "services/web/service.yaml"), "description: Nothing\nupdate: |\n  :\n");
  const store = join(dir, "store");
  execFileSync(process.execPath, [BOOTLACE, "-C", project, "deploy", "stable", "--store", `file://${store}`], {
    stdio: "ignore",
  });
  const conf = join(dir, "boot.conf");
  writeFileSync(conf, `v=1\nstore=file://${store}\nchannel=stable\nproject=bench\nruntime=system\n`, { mode: 0o600 });
  const root = join(dir, "root");
  mkdirSync(root);
  const boot = { argv: ["sh", STAGE1, "--conf", conf, "--root", root, "--", "boot"] };
  execFileSync(boot.argv[0], boot.argv.slice(1), { stdio: "ignore" });
  const rows = measure(
    [
      { name: "node -e 0", argv: [process.execPath, "-e", "0"] },
      { name: "boot with nothing new, one empty update", ...boot },
    ],
    9,
  );
  rmSync(dir, { recursive: true });
  return table("A boot with nothing to fetch", rows, "node -e 0", "Bar: under 150 ms beside its scripts' own time.");
}
if (process.argv[1] === import.meta.filename) console.log(benchBoot());
