// Times commands side by side: the commands of a case take turns, so that a machine that slows down slows them all.
import { spawnSync } from "node:child_process";

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/**
 * @param commands {name, argv, before?, cwd?}: what to run; `before` is called, untimed, before each run.
 * @param rounds how many times each runs after one that is not counted.
 * @returns per command: name, ms (median), all runs, kib (largest resident set of the process, where GNU time is there).
 */
export function measure(commands, rounds = 5) {
  const runs = commands.map(() => []);
  const memory = commands.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, { argv, before, cwd, expect = 0 }] of commands.entries()) {
      before?.();
      const timed = ["/usr/bin/time", "-f", "%M", ...argv];
      const start = performance.now();
      const result = spawnSync(timed[0], timed.slice(1), {
        cwd,
        stdio: ["ignore", "ignore", "pipe"],
        encoding: "utf8",
      });
      const ms = performance.now() - start;
      if (result.status !== expect) throw new Error(`${argv.join(" ")} exits ${result.status}: ${result.stderr}`);
      if (round < 0) continue;
      runs[index].push(ms);
      memory[index].push(Number(result.stderr.trim().split("\n").at(-1)));
    }
  }
  return commands.map(({ name }, index) => ({
    name,
    ms: median(runs[index]),
    low: Math.min(...runs[index]),
    high: Math.max(...runs[index]),
    kib: Math.max(...memory[index]),
  }));
}

/** A Markdown table of one case; ratios are to the row named. */
export function table(title, rows, base, bar = "") {
  const reference = rows.find((row) => row.name === base)?.ms;
  const lines = rows.map(({ name, ms, low, high, kib }) => {
    const ratio = reference === undefined ? "" : (ms / reference).toFixed(2);
    return `| ${name} | ${ms.toFixed(0)} | ${low.toFixed(0)}–${high.toFixed(0)} | ${ratio} | ${(kib / 1024).toFixed(0)} |`;
  });
  return [
    `### ${title}`,
    "",
    ...(bar === "" ? [] : [bar, ""]),
    `| | median ms | range | × ${base} | MB |`,
    "|---|---:|---:|---:|---:|",
    ...lines,
    "",
  ].join("\n");
}

/** True where a program is there. */
export const has = (program) => spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0;
