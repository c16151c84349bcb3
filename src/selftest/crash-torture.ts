import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathsUnder, readJournal } from "../../stage2/index.ts";
import { writeTree } from "../bundle/write-tree.ts";
import { loadProject } from "../project/load-project.ts";
import { throwIfAborted } from "../session/abort.ts";
import { TORTURED, writeTortureProject } from "./torture-project.ts";

export interface TortureReport {
  /** Durable writes of an uninterrupted run: there was a kill after each. */
  readonly writes: number;
  /** Kills at random moments. */
  readonly random: number;
  /** What was wrong, one line for each case; empty is good. */
  readonly faults: readonly string[];
}

interface TortureOptions {
  /** Kills at random moments beside those after each write. */
  readonly random: number;
  readonly onCase: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Kills the runner with SIGKILL after every journal write in turn and at random moments; after each kill a second run
 * has to end in the state of a run that nobody disturbed, and no init that had been recorded as done may run again.
 *
 * @throws an AbortError when it was interrupted: what was not tried is not proven.
 */
export async function crashTorture({ random, onCase, signal }: TortureOptions): Promise<TortureReport> {
  const dir = await mkdtemp(join(tmpdir(), "bootlace-torture-"));
  try {
    const stand = await setUp(dir);
    const began = performance.now();
    await stand.run({});
    const whole = performance.now() - began;
    const expected = await stand.look();
    const { writes } = stand;
    const total = writes + random;
    const faults: string[] = [];
    for (let at = 1; at <= total; at++) {
      throwIfAborted(signal);
      await stand.reset();
      const isWrite = at <= writes;
      const moment = Math.random() * whole;
      const name = isWrite ? `kill after write ${at}` : `kill after ${moment.toFixed(1)} ms`;
      await stand.run(isWrite ? { afterWrite: at } : { afterMs: moment });
      faults.push(...(await judge(stand, expected)).map((fault) => `${name}: ${fault}`));
      onCase(at, total);
    }
    throwIfAborted(signal);
    return { writes, random, faults };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs once more after a kill and says what is wrong then. */
async function judge(stand: Stand, expected: World): Promise<string[]> {
  const before = await stand.look();
  const exit = await stand.run({});
  const after = await stand.look();
  const again = before.finished.filter((name) => (after.begun[name] ?? 0) > (before.begun[name] ?? 0));
  return [
    ...(exit === 0 ? [] : [`the run after it exits ${exit}`]),
    ...again.map((name) => `${name}.init had been recorded as done and ran again`),
    ...(after.seen === expected.seen ? [] : [`what came down to site is "${after.seen}", expected "${expected.seen}"`]),
    ...(after.finished.join() === expected.finished.join() ? [] : [`done are ${after.finished.join(", ")}`]),
    ...(after.open ? ["a run is still open"] : []),
  ];
}

/** What can be seen of the machine after a run. */
interface World {
  /** Inits that the journal has as done. */
  readonly finished: readonly string[];
  /** How often each init has begun. */
  readonly begun: Readonly<Record<string, number>>;
  /** What the last service got of everybody's outputs. */
  readonly seen: string;
  readonly open: boolean;
}

interface Stand {
  /** Durable writes of the last run that was let to its end. */
  readonly writes: number;
  run(kill: { readonly afterWrite?: number; readonly afterMs?: number }): Promise<number>;
  look(): Promise<World>;
  reset(): Promise<void>;
}

async function setUp(dir: string): Promise<Stand> {
  const [project, world, bundle, root] = ["project", "world", "bundle", "root"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
    string,
  ];
  await writeTortureProject(project, world);
  await writeTree(await loadProject(project), bundle);
  const paths = pathsUnder(root);
  return {
    get writes() {
      // Lines of one write carry the number of its first.
      return readJournal(paths.journal).records.filter(({ n, b = n }) => b === n).length;
    },
    async run({ afterWrite, afterMs }) {
      const env = {
        ...process.env,
        ...(afterWrite !== undefined && { BOOTLACE_SELFTEST_KILL_AFTER: String(afterWrite) }),
      };
      const child = spawn(process.execPath, [join(bundle, "stage2.mjs"), "run", "--root", root, "--json"], {
        stdio: "ignore",
        env,
      });
      if (afterMs !== undefined) void sleep(afterMs).then(() => child.kill("SIGKILL"));
      return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 137)));
    },
    async look() {
      const records = await rawRecords(paths.journal);
      const done = new Set(records.flatMap(({ k, phase, svc }) => (k === "done" && phase === "init" ? [svc] : [])));
      const text = (name: string): Promise<string> => readFile(join(world, name), "utf8").catch(() => "");
      const begun = await Promise.all(
        TORTURED.map(async (name) => [name, (await text(`${name}.init`)).split("begin").length - 1] as const),
      );
      return {
        finished: TORTURED.filter((name) => done.has(name)),
        begun: Object.fromEntries(begun),
        seen: (await text("site.seen")).trim(),
        open: records.findLastIndex(({ k }) => k === "open") > records.findLastIndex(({ k }) => k === "close"),
      };
    },
    async reset() {
      await rm(root, { recursive: true, force: true });
      for (const name of await readdir(world)) await rm(join(world, name));
    },
  };
}

/** The journal's lines as they stand: judged without the code that is on trial. A torn last line is passed over. */
async function rawRecords(
  journal: string,
): Promise<{ readonly k: string; readonly phase?: string; readonly svc?: string }[]> {
  const text = (await readFile(journal, "utf8").catch(() => "")).replaceAll("\0", "");
  return text.split("\n").flatMap((line) => (line.endsWith("}") ? [JSON.parse(line)] : []));
}
