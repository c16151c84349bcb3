import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Settings } from "./settings.ts";
import { storeResult } from "./store-result.ts";

interface Order {
  /** Ids; each gets the result. */
  readonly deployments: readonly string[];
  readonly services: readonly string[];
}

/** What a desk reads of a machine's run for a deployment. */
export interface DeploymentResult {
  readonly format: 1;
  readonly deployment: string;
  readonly machine: string;
  /** Exit code of the run; docs/contracts.md. */
  readonly exit: number;
  /** Digest of the bundle that ran, empty where none did: the last good one, where the store was out of reach. */
  readonly bundle: string;
  /** `done`, `degraded` …; empty where no run came to its end. */
  readonly outcome: string;
  /** Services that were named and that this machine does not have. */
  readonly notHere: readonly string[];
  /** `web.update` of what failed. */
  readonly failed: readonly string[];
  /** The last lines that the run said, where it failed. */
  readonly said: string;
  /** ISO 8601. */
  readonly ended: string;
}

const LAST_LINES = 12;

/** Gets what the channel points to and runs the services' updates, by the machine's own stage1; stores the result. */
export async function deploy({ root, instance }: Settings, { deployments, services }: Order): Promise<void> {
  const stage1 = join(root, "usr/lib/bootlace/stage1");
  const wanted = services.flatMap((name) => ["-s", name]);
  // It waits for a boot or a person who is at work, and so do two runs of ours.
  const argv = [stage1, "--wait", "--", "run", "--own", "--wait", ...wanted, "--json"];
  const { exit, lines } = await outputOf("/bin/sh", argv, { PATH: process.env.PATH, BOOTLACE_ROOT: root });
  const events = lines.flatMap(eventIn);
  const failed = events.flatMap(({ k, step }) => (k === "fail" && step !== undefined ? [step] : []));
  const plain = lines.filter((line) => eventIn(line).length === 0).slice(-LAST_LINES);
  const errors = events
    .flatMap(({ k, text }) => (k === "output" && text !== undefined ? [text] : []))
    .slice(-LAST_LINES);
  const { bundle = "", plan } = events.findLast(({ k }) => k === "open") ?? {};
  const { outcome = "" } = events.findLast(({ k }) => k === "close") ?? {};
  const notHere = services.filter((name) => !(plan?.roots ?? services).includes(name));
  const said = exit === 0 && outcome === "done" ? "" : [...errors, ...plain].join("\n").slice(-2000);
  for (const deployment of deployments) {
    const ended = new Date().toISOString();
    const how = { exit, bundle, outcome, notHere, failed, said, ended };
    const result: DeploymentResult = { format: 1, deployment, machine: instance, ...how };
    try {
      console.log(`result of ${deployment}: exit ${exit}, ${await storeResult(root, result)}`);
    } catch (error) {
      console.log(`the result of ${deployment} could not be stored: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function outputOf(
  program: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly exit: number; readonly lines: readonly string[] }> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, { env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    const hear = (part: Buffer): void => {
      // Runs may be long, and only their end is told.
      text = `${text}${part}`.slice(-1_000_000);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", (error) => resolve({ exit: 127, lines: [error.message] }));
    // Not "close": a daemon that a service leaves behind may keep the pipe.
    child.on("exit", (code) => setTimeout(() => resolve({ exit: code ?? 128, lines: text.split("\n") }), 100));
  });
}

interface Happening {
  readonly k: string;
  readonly step?: string;
  readonly text?: string;
  readonly bundle?: string;
  readonly outcome?: string;
  readonly plan?: { readonly roots: readonly string[] };
}

function eventIn(line: string): readonly Happening[] {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === "object" && event !== null && "k" in event ? [event as Happening] : [];
  } catch {
    return [];
  }
}
