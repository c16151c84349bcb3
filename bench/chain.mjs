// No-op steps in a chain, journal durable, from the compiled form; beside make, a bash loop, xargs, cloud-init, ansible.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bootlaceMachine, chain, file, folder, makefile } from "./machine.mjs";
import { has, measure, table } from "./measure.mjs";

export function benchChain() {
  const parts = [1, 100, 1000].map((count) => {
    const dir = folder();
    const steps = chain(count);
    const machine = bootlaceMachine(dir, steps);
    const { path, script } = makefile(dir, steps);
    const commands = [
      { name: "make -j2", argv: ["make", "-s", "-j2", "-f", path] },
      { name: "bootlace", ...machine },
      { name: "bash loop", argv: ["bash", "-c", `for ((i = 0; i < ${count}; i++)); do ${script}; done`] },
      { name: "xargs", argv: ["sh", "-c", `seq ${count} | xargs -n 1 ${script}`] },
    ];
    if (has("cc")) {
      const program = join(dir, "floor");
      execFileSync("cc", ["-O2", "-o", program, fileURLToPath(new URL("floor.c", import.meta.url))]);
      commands.push({
        name: "posix_spawn in C, durable",
        argv: [program, script, String(count), join(dir, "floor.journal")],
      });
    }
    if (has("cloud-init")) {
      const parts = join(dir, "per-boot");
      mkdirSync(parts);
      for (let i = 0; i < count; i++) file(join(parts, `s${String(i).padStart(4, "0")}`), "#!/bin/sh\n:\n");
      const code = `from cloudinit import subp; subp.runparts(${JSON.stringify(parts)})`;
      commands.push({ name: "cloud-init per-boot scripts", argv: ["/usr/bin/python3", "-c", code] });
    }
    if (has("ansible-playbook") && count <= 100) {
      const tasks = Array.from({ length: count }, (_, i) => `    - name: s${i}\n      command: ${script}\n`).join("");
      const book = file(
        join(dir, "book.yml"),
        `- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n${tasks}`,
        0o644,
      );
      commands.push({
        name: "ansible-playbook, local",
        argv: ["ansible-playbook", "-i", "localhost,", book],
        rounds: 1,
      });
    }
    const rows = measure(commands, count === 1000 ? 5 : count === 100 ? 3 : 5);
    rmSync(dir, { recursive: true });
    const bar =
      count === 1000 ? "Bar: at most 1.75 × make, the aim is 1.25 ×." : count === 1 ? "Bar: under 120 ms." : "";
    return table(`A chain of ${count} no-op ${count === 1 ? "step" : "steps"}`, rows, "make -j2", bar);
  });
  return parts.join("\n");
}
if (process.argv[1] === import.meta.filename) console.log(benchChain());
