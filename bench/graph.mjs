// A random layered graph of sleeps: how long it takes against its critical path, the physical limit.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootlaceMachine, folder } from "./machine.mjs";
import { measure, table } from "./measure.mjs";

/** Same numbers in every run: mulberry32. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function benchGraph() {
  const next = random(42);
  const steps = [];
  for (let layer = 0; layer < 8; layer++) {
    for (let i = 0; i < 6; i++) {
      const before = steps.filter((step) => step.layer === layer - 1).filter(() => next() < 0.4);
      const ms = 50 + Math.floor(next() * 250);
      steps.push({
        name: `l${layer}n${i}`,
        layer,
        ms,
        requires: before.map(({ name }) => name),
        text: `#!/bin/sh\nexec sleep ${(ms / 1000).toFixed(3)}\n`,
      });
    }
  }
  const ends = new Map();
  for (const { name, requires, ms } of steps)
    ends.set(name, ms + Math.max(0, ...requires.map((other) => ends.get(other))));
  const critical = Math.max(...ends.values());

  const dir = folder();
  const machine = bootlaceMachine(dir, steps);
  machine.argv.push("--jobs", "48");
  const rules = steps.map(
    ({ name, requires, ms }) => `${name}: ${requires.join(" ")}\n\t@sleep ${(ms / 1000).toFixed(3)}\n`,
  );
  const path = join(dir, "Makefile");
  const names = steps.map(({ name }) => name).join(" ");
  writeFileSync(path, `.PHONY: all ${names}\nall: ${names}\n${rules.join("")}`);
  const rows = measure(
    [
      { name: "make -j48", argv: ["make", "-s", "-j48", "-f", path] },
      { name: "bootlace --jobs 48", ...machine },
    ],
    5,
  );
  const makespan = closeOf(join(dir, "root"));
  rmSync(dir, { recursive: true });
  const all = [{ name: "critical path (sum of sleeps)", ms: critical, low: critical, high: critical, kib: 0 }, ...rows];
  return `${table("48 sleeps in 8 layers", all, "critical path (sum of sleeps)", "Bar: the run's makespan at most 1.05 × its critical path.")}
The run's own makespan, start of Node apart: ${makespan.toFixed(0)} ms, ${(makespan / critical).toFixed(3)} × the critical path.
`;
}

function closeOf(root) {
  const runs = join(root, "var/lib/bootlace/runs");
  const events = readFileSync(join(runs, readdirSync(runs)[0], "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return events.find(({ k }) => k === "close").ms;
}

if (process.argv[1] === import.meta.filename) console.log(benchGraph());
