import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { MachineRig } from "../support/machine-rig.ts";

const rigs: MachineRig[] = [];
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose();
});

test("an outcome and the next intent are on disk before the dependent script begins, as the kernel saw it", () => {
  const names = ["a", "b", "c"];
  const rig = new MachineRig(
    ["c"],
    Object.fromEntries(
      names.map((name, i) => [
        name,
        { requires: names.slice(0, i).slice(-1), scripts: { init: "true", update: "true" } },
      ]),
    ),
  );
  rigs.push(rig);
  const trace = join(rig.dir, "trace");
  const runner = [process.execPath, join(rig.bundle, "stage2.mjs"), "run", "--root", rig.root];
  execFileSync("strace", ["-f", "-s", "4096", "-e", "trace=pwrite64,fdatasync,execve", "-o", trace, ...runner], {
    stdio: "ignore",
  });
  const calls = readFileSync(trace, "utf8").split("\n");
  const at = (pattern: RegExp): number => calls.findIndex((call) => pattern.test(call));
  const steps = ["a.init", "b.init", "c.init", "a.update", "b.update", "c.update"].map((id) => id.split("."));
  for (const [index, [service, phase]] of steps.entries()) {
    const began = at(new RegExp(`execve\\("[^"]*/services/${service}/\\.bootlace/${phase}"`));
    const intent = at(
      new RegExp(
        `pwrite64.*\\\\"k\\\\":\\\\"start\\\\",\\\\"svc\\\\":\\\\"${service}\\\\",\\\\"phase\\\\":\\\\"${phase}\\\\"`,
      ),
    );
    expect(began).toBeGreaterThan(0);
    expect(intent).toBeGreaterThan(0);
    const synced = calls.findIndex(
      (call, line) => line > intent && /fdatasync\(\d+\)\s+= 0|fdatasync resumed.*= 0/.test(call),
    );
    expect(synced).toBeGreaterThan(intent);
    expect(synced).toBeLessThan(began);
    const [before] = steps.slice(index - 1);
    if (index === 0 || before === undefined) continue;
    const outcome = at(
      new RegExp(
        `pwrite64.*\\\\"k\\\\":\\\\"done\\\\",\\\\"svc\\\\":\\\\"${before[0]}\\\\",\\\\"phase\\\\":\\\\"${before[1]}\\\\"`,
      ),
    );
    expect(outcome).toBeGreaterThan(0);
    expect(outcome).toBeLessThan(synced);
  }
});
