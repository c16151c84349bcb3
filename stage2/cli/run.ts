import { mkdirSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/exit.ts";
import type { NOTICES } from "../errors/notices.ts";
import type { OpenRun } from "../journal/fold.ts";
import { consoleLine } from "../report/lines.ts";
import { tellCloud } from "../rim/cloud/tell-cloud.ts";
import { readState } from "../rim/journal-file.ts";
import { plantKeys } from "../rim/keep-up/plant-keys.ts";
import { refreshStage1 } from "../rim/keep-up/refresh-stage1.ts";
import { machOf, planMachine } from "../rim/plan-machine.ts";
import { requestReboot } from "../rim/reboot.ts";
import { createReporter } from "../rim/reporter.ts";
import { unknownRoots } from "../rim/roots-on.ts";
import type { RunResult } from "../rim/run/close-run.ts";
import { type Notice, newRunId, type RunRequest, runMachine, underLock } from "../rim/run/run-machine.ts";
import { awaitSentSecrets } from "../rim/sent-secrets.ts";
import type { Event } from "../types/event.ts";
import type { BootTelling } from "../types/service.ts";
import { type Arguments, readJobs, readPhase } from "./arguments.ts";
import { type Machine, openMachine } from "./machine.ts";

/** `run`: what somebody asked for, now. */
export async function runCommand(args: Arguments): Promise<ExitCode> {
  const machine = openMachine(args);
  const phase = readPhase(args.values.phase);
  const { run = newRunId() } = args.values;
  return withRuns(machine, args, run, async (execute) => {
    const open = openRunOf(machine);
    return execute({
      run,
      trigger: open?.run === run ? open.spec.trigger : "asked",
      roots: machine.roots,
      ...(phase !== undefined && { phase }),
      ...(args.values.rerun && { rerun: args.values.rerun }),
      ...(args.values["assume-init"] && { assumeInit: args.values["assume-init"] }),
    });
  });
}

/**
 * `boot`: what stage1 hands over to at every boot. A run that was open when the machine went down goes on first, under
 * its own id; a machine that was made to build an image does nothing beyond that.
 */
export async function bootCommand(args: Arguments): Promise<ExitCode> {
  const machine = openMachine(args);
  const builds = machine.facts.purpose === "build";
  const open = openRunOf(machine);
  if (open === undefined && builds) {
    process.stderr.write("bootlace: this machine builds an image and has no open run: nothing to do\n");
    return EXIT.ok;
  }
  // A builder and a smoke test are nobody's instances in use.
  const telling = machine.facts.purpose === "run" ? machine.project.telling : undefined;
  const work = async (execute: Execute): Promise<RunResult> => {
    const boot: Wish = { trigger: "boot", roots: machine.roots };
    if (open === undefined) return execute(boot);
    const { run, spec } = open;
    const wasBoot = spec.trigger === "boot" && !builds;
    const roots = wasBoot ? [...new Set([...spec.roots, ...machine.roots])] : spec.roots;
    const resumed = await execute({
      run,
      trigger: spec.trigger,
      roots,
      secretsComeAgain: builds || spec.trigger === "asked",
      ...(spec.phase && { phase: spec.phase }),
      ...(spec.rerun && { rerun: spec.rerun }),
    });
    // What was asked for is done, or has failed: the boot's own updates run all the same.
    const over = resumed.outcome === "reboot" || resumed.outcome === "interrupted";
    if (over || builds || wasBoot) return resumed;
    const booted = await execute(boot);
    return booted.exit === EXIT.ok ? { ...booted, exit: resumed.exit } : booted;
  };
  return withRuns(machine, args, open?.run ?? newRunId(), work, telling);
}

type Execute = (wish: Wish) => Promise<RunResult>;

type Wish = Pick<RunRequest, "trigger" | "roots" | "phase" | "run" | "rerun" | "assumeInit"> & {
  /** A desk asked for this run; it follows it over its reboot and sends again what lay in memory. */
  readonly secretsComeAgain?: boolean;
};

/** Signals, readers and the lock around one run or several; the last one's result is the command's. */
async function withRuns(
  machine: Machine,
  args: Arguments,
  run: string,
  work: (execute: Execute) => Promise<RunResult>,
  telling?: BootTelling,
): Promise<ExitCode> {
  const { values } = args;
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const reporter = createReporter({
    stream: process.stdout,
    json: values.json ?? false,
    ...(values.plain && { live: false }),
  });
  const jobs = readJobs(values.jobs);
  const degraded = [fromStage1(), ...strangersOf(machine)].filter((text) => text !== "").join("; ");
  let notices: readonly Notice[] = [];
  const notice = (level: "info" | "warning", code: keyof typeof NOTICES, message: string): void => {
    const event: Event = { t: Date.now(), k: "notice", level, code, message };
    reporter(event);
    consoleWriter()(event);
  };
  const teller = telling && tellCloud({ telling, first: isFirstBoot(machine), notice });
  const execute = async (wish: Wish): Promise<RunResult> => {
    if (wish.secretsComeAgain) await comeAgain(machine, wish, stop.signal);
    const toConsole = wish.trigger === "boot" ? consoleWriter() : () => {};
    return runMachine({
      ...machine,
      ...wish,
      whole: machine.bootRoots,
      ...(jobs !== undefined && { jobs }),
      strict: values.strict ?? false,
      degraded,
      notices,
      report: (event) => {
        reporter(event);
        toConsole(event);
        teller?.event(event);
      },
      stop: stop.signal,
      onReady: () => handOff(machine.paths.handoff, "ready", { bundle: machine.bundle }),
    });
  };
  try {
    const result = await underLock(machine, { run, wait: values.wait ?? false }, async () => {
      // First, so that a bundle that fails later leaves a machine that can check the next one.
      if (cameThroughStage1()) notices = bringKeys(machine);
      const ended = await work(execute);
      handOff(machine.paths.handoff, "result", { outcome: ended.outcome, exit: String(ended.exit), run: ended.run });
      // Last: the bundle has come up, so its stage1 is one that this machine can live with.
      const why = cameThroughStage1() ? refreshStage1(machine.paths, machine.bundleDir) : undefined;
      if (why) reporter({ t: Date.now(), k: "notice", level: "warning", code: "W_STAGE1", message: why });
      return ended;
    }).catch(async (error: unknown) => {
      // Another boot that holds the lock tells how it ends. What a desk asked for tells nothing: then the hook's time decides.
      await teller?.end(error instanceof BootlaceError && error.code === "E_LOCKED" ? undefined : "failed");
      throw error;
    });
    // The lock is free by now: nobody waits for AWS.
    await teller?.end(result.outcome);
    return result.outcome === "reboot" ? reboot(machine, result, values["no-reboot"] ?? false) : result.exit;
  } finally {
    reporter.close();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Before a run goes on: until its desk has sent again what the steps need that are left of it. */
async function comeAgain(machine: Machine, wish: Wish, stop: AbortSignal): Promise<void> {
  const { paths, facts, project } = machine;
  const { steps } = planMachine(paths, { ...wish, facts, project }).plan;
  const scripts = steps.filter((step) => step.kind === "script");
  await awaitSentSecrets({ paths, purpose: facts.purpose, services: project.services, steps: scripts, stop });
}

/** Of an older stage1, which hands on what a store said as it is: nothing that a terminal obeys. */
function fromStage1(): string {
  return (process.env.BOOTLACE_DEGRADED ?? "").replace(/[^ -~]/g, "?").slice(0, 2000);
}

function strangersOf({ paths, project }: Machine): string[] {
  return unknownRoots(paths, project).map(
    (name) => `no service is called "${name}", which ${paths.services} or the tag bootlace:services asks for`,
  );
}

/** A machine whose /etc cannot be written goes on with the keys that it has. */
function bringKeys({ paths, bundleDir, project }: Machine): readonly Notice[] {
  try {
    const ids = plantKeys(paths, bundleDir, project.name);
    if (ids.length === 0) return [];
    return [{ code: "W_KEY", message: `Trusted on this machine from now on: ${ids.join(", ")}` }];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ code: "W_KEY_LOST", message: `The bundle's keys could not be put into ${paths.trustedKeys}: ${why}` }];
  }
}

function reboot(machine: Machine, result: RunResult, forbidden: boolean): ExitCode {
  if (forbidden)
    throw new BootlaceError(
      "E_REBOOT",
      `A script of run ${result.run} asks for a reboot, and this run may not reboot the machine`,
    );
  requestReboot(machine.paths.volatile, machine.facts);
  return result.exit;
}

/** The run that this machine had open when it went down, or that was killed. */
function openRunOf(machine: Machine): OpenRun | undefined {
  const { openRun } = readState(machine.paths.journal);
  if (openRun === undefined) return undefined;
  return openRun.mach === machOf(machine.paths, machine.facts) ? openRun : undefined;
}

/** Whether no whole update has ended well on this machine yet. */
function isFirstBoot({ paths, facts }: Machine): boolean {
  try {
    return !readState(paths.journal).updated.has(machOf(paths, facts));
  } catch {
    // What is wrong with the journal is told when it is opened.
    return true;
  }
}

function cameThroughStage1(): boolean {
  return process.env.BOOTLACE_STAGE1 !== undefined;
}

/** stage1 learns from files how far the bundle came: exit codes are also used by Node and sh themselves. */
function handOff(folder: string, name: "ready" | "result", values: Record<string, string>): void {
  if (!cameThroughStage1()) return;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const text = Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

/** One line per change of state, so that the cloud's console alone tells what happened. */
function consoleWriter(): (event: Event) => void {
  let fd: number | undefined;
  try {
    fd = openSync(process.env.BOOTLACE_CONSOLE ?? "/dev/console", "w");
  } catch {
    return () => {};
  }
  return (event) => {
    const line = consoleLine(event);
    try {
      if (line !== undefined && fd !== undefined) writeSync(fd, `${line}\n`);
    } catch {
      fd = undefined;
    }
  };
}
