import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { BootlaceError } from "../../errors/bootlace-error.ts";
import type { NOTICES } from "../../errors/notices.ts";
import { openEntries } from "../../journal/entries.ts";
import type { MachineState, Standing } from "../../journal/fold.ts";
import type { Entry, RunSpec } from "../../journal/record.ts";
import { makePlan } from "../../plan/make-plan.ts";
import type { Event } from "../../types/event.ts";
import type { Facts } from "../../types/facts.ts";
import type { Plan, StepId } from "../../types/plan.ts";
import type { Phase, Project } from "../../types/service.ts";
import { removeAllCredentials } from "../credentials.ts";
import { Deferred } from "../deferred.ts";
import { EventLog } from "../event-log.ts";
import { lineageId, machineHash } from "../facts.ts";
import { JournalFile } from "../journal-file.ts";
import { LanePool } from "../lane.ts";
import { takeLock } from "../lock.ts";
import { fileName, type Paths } from "../paths.ts";
import { readProcess, sessionMembers, signalAll, ticksNow } from "../processes.ts";
import { closeRun, type RunResult, reportLeftRunning } from "./close-run.ts";
import type { Happening, RunContext } from "./context.ts";
import { prepareVolatile } from "./execute-script.ts";
import { type LeftOver, leftOverServices } from "./left-over.ts";
import { runPlan } from "./run-plan.ts";
import { endSurvivors } from "./survivors.ts";
import { tidyVolatile } from "./tidy.ts";

/** Something to be told; `code` is a row of NOTICES. */
export interface Notice {
  readonly code: keyof typeof NOTICES;
  readonly message: string;
}

/** What a run is asked to do. */
export interface RunRequest {
  readonly paths: Paths;
  readonly facts: Facts;
  readonly project: Project;
  /** Folder of the unpacked bundle, and its digest. */
  readonly bundleDir: string;
  readonly bundle: string;
  readonly trigger: "boot" | "asked";
  /** Given by a desk that wants to follow the run; else made here. */
  readonly run?: string;
  readonly roots: readonly string[];
  readonly phase?: Phase;
  readonly rerun?: readonly StepId[];
  readonly assumeInit?: readonly string[];
  readonly jobs?: number;
  readonly strict?: boolean;
  /** Why this is not what the channel points to; empty when it is. A run that ends well is degraded then. */
  readonly degraded?: string;
  /** What happened to this machine before the run, to be recorded with it. */
  readonly notices?: readonly Notice[];
  /** Roots of a whole update: one of fewer does not count as this machine's first. */
  readonly whole: readonly string[];
  readonly report: (event: Event) => void;
  /** Aborted by SIGINT or SIGTERM; its reason is the name. */
  readonly stop: AbortSignal;
  /** Called when the plan is made and the run is open: the bundle works. */
  readonly onReady?: () => void;
}

/**
 * Makes the folders, takes the machine's lock, and does `work` under it.
 *
 * @throws {BootlaceError} `E_LOCKED`, `E_STATE`.
 */
export async function underLock<T>(
  { paths, facts }: Pick<RunRequest, "paths" | "facts">,
  { run, wait }: { readonly run: string; readonly wait: boolean },
  work: () => Promise<T>,
): Promise<T> {
  makeFolders(paths);
  const started = readProcess(process.pid)?.started ?? 0;
  const lock = await takeLock(paths.lock, { pid: process.pid, started, boot: facts.boot, run }, wait);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/**
 * One run on this machine, from open to close. The caller holds the lock.
 *
 * @throws {BootlaceError} before anything is run: `E_JOURNAL_*`, `E_SEAL`, what `makePlan()` throws.
 */
export async function runMachine(request: RunRequest): Promise<RunResult> {
  const { paths, facts } = request;
  if (request.phase === "seal" && facts.purpose !== "build") {
    throw new BootlaceError("E_SEAL", `This machine's purpose is ${facts.purpose}: seal runs in builds only`);
  }
  const journal = new JournalFile(paths.journal, paths.lineage);
  try {
    const mach = machineHash(facts.machine, lineageId(paths.lineage));
    return await openRun({ ...request, run: request.run ?? newRunId() }, journal, mach);
  } finally {
    journal.close();
  }
}

/** `20261120T154900-3fa9c1`: sorts by time, and two at once differ. */
export function newRunId(): string {
  return `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "")}-${randomBytes(3).toString("hex")}`;
}

async function openRun(request: RunRequest & { run: string }, journal: JournalFile, mach: string): Promise<RunResult> {
  const { paths, facts, run } = request;
  const began = performance.now();
  const ticks = ticksNow();
  const { state } = journal;
  const mine = state.openRun?.mach === mach ? state.openRun : undefined;
  const resumed = mine?.run === run;
  removeAllCredentials(paths);
  const ended = await endSurvivors(state, facts.boot);

  const leftOver: LeftOver =
    request.phase === "destroy"
      ? leftOverServices(paths, request.project, state)
      : { services: [], folders: new Map() };
  const project = { ...request.project, services: [...request.project.services, ...leftOver.services] };
  const roots = [...request.roots, ...leftOver.folders.keys()];
  const plan = makePlan({ ...request, project, roots, state, mach });
  const stamp = { run, boot: facts.boot, mach };
  const runDir = join(paths.runs, run);
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const log = new EventLog(join(runDir, "events.jsonl"), (why) =>
    request.report({
      t: Date.now(),
      k: "notice",
      level: "warning",
      code: "W_EVENTS",
      message: `The run's events cannot be written: ${why}`,
    }),
  );
  const put = (event: Event): void => {
    log.add(event);
    request.report(event);
  };
  const deferred = new Deferred();
  const emit = (happening: Happening): void => {
    const event: Event = { t: Date.now(), ...happening };
    deferred.add(() => put(event));
  };
  const notice = (code: string, message: string): void => emit({ k: "notice", level: "warning", code, message });

  const context: RunContext = {
    run,
    paths,
    facts,
    services: new Map(project.services.map((service) => [service.name, service])),
    folderOf: (service) => leftOver.folders.get(service) ?? request.bundleDir,
    runDir,
    firstBoot: !state.updated.has(mach),
    lanes: new LanePool(),
    outputs: new Map([...state.services].map(([name, service]) => [name, new Map(service.outputs)])),
    emit,
    later: (work) => deferred.add(work),
    record: (entries) => journal.append(entries, stamp),
    stop: request.stop,
    unfinished: unfinishedSteps(state, mach),
    prepared: new Map(),
    followed: new Map(),
  };
  prepareVolatile(context);
  if (facts.has.includes("apt")) writeFileSync(join(paths.volatile, "apt.conf"), 'DPkg::Lock::Timeout "300";\n');

  if (mine !== undefined && !resumed)
    journal.append([{ k: "close", rc: -1, why: "abandoned" }], { ...stamp, run: mine.run });
  for (const { from, to } of plan.renamed) renameState(paths, from, to);
  context.record([
    ...plan.renamed.map(({ from, to }): Entry => ({ k: "rename", svc: to, spec: { from } })),
    ...(resumed ? [] : openEntries(request.bundle, specOf(request, plan))),
    ...plan.assumed.map((name): Entry => ({ k: "done", svc: name, phase: "init", dig: "assumed" })),
  ]);
  emit({
    k: "open",
    run,
    project: project.name,
    machine: facts.machine,
    boot: facts.boot,
    bundle: request.bundle,
    resumed,
    plan,
  });
  if (journal.torn > 0)
    notice(
      "W_JOURNAL_TORN",
      `The journal's last line was cut off (a power cut does that): ${journal.torn} bytes were dropped`,
    );
  for (const step of ended) notice("W_SURVIVOR", `The script of ${step} had outlived its runner and was ended`);
  for (const { service, phase, why } of plan.left.filter((left) => left.phase !== undefined))
    notice("W_LEFT_OUT", `${service}.${phase} is left out: ${why}`);
  for (const { code, message } of request.notices ?? []) notice(code, message);
  if (request.degraded) notice("W_DEGRADED", `Degraded: ${request.degraded}`);
  request.onReady?.();

  try {
    const outcome = await runPlan(context, plan, request.jobs ?? Math.max(4, 2 * cpus().length));
    reportLeftRunning(context, ticks);
    return closeRun(request, context, plan, outcome, performance.now() - began);
  } finally {
    // Nothing runs any more, unless the journal failed us: then what runs could not be recorded.
    for (const lane of context.lanes.busy) signalAll(sessionMembers(lane.session, 0), "SIGKILL");
    removeAllCredentials(paths);
    context.lanes.close();
    deferred.flush();
    tidyVolatile(paths, run);
    for (const unused of context.prepared.values()) unused.close();
    log.close();
  }
}

function unfinishedSteps(state: MachineState, mach: string): Map<StepId, number> {
  const steps = [...state.services].flatMap(([service, { phases }]) =>
    Object.entries(phases).flatMap(([phase, standing]: [string, Standing]) =>
      standing.is === "started" && standing.mach === mach ? [[`${service}.${phase}`, standing.times] as const] : [],
    ),
  );
  return new Map(steps);
}

function specOf(request: RunRequest, plan: Plan): RunSpec {
  return {
    trigger: request.trigger,
    purpose: request.facts.purpose,
    roots: plan.roots,
    ...(request.phase && { phase: request.phase }),
    ...(request.rerun && request.rerun.length > 0 && { rerun: request.rerun }),
  };
}

function renameState(paths: Paths, from: string, to: string): void {
  for (const folder of [paths.state, paths.destroy]) {
    const [old, fresh] = [join(folder, fileName(from)), join(folder, fileName(to))];
    if (existsSync(old) && !existsSync(fresh)) renameSync(old, fresh);
  }
}

function makeFolders(paths: Paths): void {
  try {
    // Node says ENOENT where mkdir meets a read-only file system: the folder above tells the truth.
    let above = paths.lib;
    while (!existsSync(above)) above = dirname(above);
    accessSync(above, constants.W_OK);
    for (const dir of [paths.lib, paths.state]) mkdirSync(dir, { recursive: true, mode: 0o755 });
    mkdirSync(paths.runs, { recursive: true, mode: 0o700 });
    mkdirSync(paths.volatile, { recursive: true, mode: 0o755 });
    const probe = join(paths.lib, ".probe");
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BootlaceError("E_STATE", `The state folder ${paths.lib} cannot be used: ${why}`, { cause });
  }
}
