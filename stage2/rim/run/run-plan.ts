import { BootlaceError } from "../../errors/bootlace-error.ts";
import { criticalPath } from "../../execute/critical-path.ts";
import { Schedule } from "../../execute/schedule.ts";
import type { Entry } from "../../journal/record.ts";
import type { Plan, Step, StepId } from "../../types/plan.ts";
import { ticksNow } from "../processes.ts";
import type { RunContext, StepResult } from "./context.ts";
import { prepareScript } from "./execute-script.ts";
import { runPackageStep } from "./package-step.ts";
import { runScriptStep, startEntry } from "./script-step.ts";

/** How a plan went. */
export interface PlanOutcome {
  readonly failed: readonly StepId[];
  readonly blocked: readonly StepId[];
  /** Failed, and the service says `onFailure: ignore`. */
  readonly ignored: readonly StepId[];
  readonly interrupted: boolean;
  /** Steps that asked for a reboot: the run is to go on after it. */
  readonly reboot: readonly StepId[];
  readonly criticalPath: readonly StepId[];
  readonly criticalMs: number;
}

/** How often the logs of running steps are looked at, milliseconds. */
const POLL = 100;
/** How many steps are made ready in advance. */
const PREPARED = 8;

/**
 * Runs a plan to its end. Outcomes and the intents that they make possible go into the journal in one durable write
 * before anything further starts, so that nothing runs on an outcome that a power cut could take back.
 *
 * @throws {BootlaceError} `E_JOURNAL_WRITE`: what runs then is left to the caller to end.
 */
export async function runPlan(context: RunContext, plan: Plan, jobs: number): Promise<PlanOutcome> {
  const poll = setInterval(() => {
    for (const follower of context.followed.values()) follower.poll();
  }, POLL);
  try {
    return await new PlanRun(context, plan, jobs).finished;
  } finally {
    clearInterval(poll);
  }
}

class PlanRun {
  readonly finished: Promise<PlanOutcome>;
  private readonly context: RunContext;
  private readonly plan: Plan;
  private readonly schedule: Schedule;
  private readonly failed: StepId[] = [];
  private readonly blocked: StepId[] = [];
  private readonly ignored: StepId[] = [];
  private readonly reboot: StepId[] = [];
  private readonly took = new Map<StepId, number>();
  /** What the next durable write holds: outcomes, then the intents of `begin`. */
  private entries: Entry[] = [];
  /** Steps that start once that write is done. */
  private begin: (() => Promise<void>)[] = [];
  private running = 0;
  private interrupted = false;
  private turning = false;
  private resolve: (outcome: PlanOutcome) => void = () => {};
  private reject: (error: unknown) => void = () => {};

  constructor(context: RunContext, plan: Plan, jobs: number) {
    this.context = context;
    this.plan = plan;
    this.schedule = new Schedule(plan, {
      jobs,
      ignores: (service) => this.ignores(service),
      locksOf: (step) => this.locksOf(step),
    });
    this.finished = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    context.stop.addEventListener("abort", () => this.nextTurn(), { once: true });
    this.nextTurn();
  }

  /** Steps that end in the same turn of the event loop share one durable write. */
  private nextTurn(): void {
    if (this.turning) return;
    this.turning = true;
    queueMicrotask(() => {
      this.turning = false;
      try {
        this.turn();
      } catch (error) {
        this.reject(error);
      }
    });
  }

  private turn(): void {
    const { stop } = this.context;
    if (stop.aborted && !this.schedule.finished) this.interrupted = true;
    if (!stop.aborted && this.reboot.length === 0) for (const step of this.schedule.take()) this.plant(step);
    const [entries, begin] = [this.entries, this.begin];
    this.entries = [];
    this.begin = [];
    this.context.record(entries);
    for (const start of begin) start().catch(this.reject);
    if (this.running > 0) return;
    const stopped = stop.aborted || this.reboot.length > 0;
    if (!stopped && !this.schedule.finished) throw new Error("The plan cannot go on: what is left waits for itself");
    const path = criticalPath(this.plan.steps, this.took);
    const { failed, blocked, ignored, interrupted, reboot } = this;
    this.resolve({ failed, blocked, ignored, interrupted, reboot, criticalPath: path.steps, criticalMs: path.ms });
  }

  /** Puts a step's intent into the next write, and its start behind it. */
  private plant(step: Step): void {
    const lane = this.context.lanes.take();
    const from = performance.now();
    this.running++;
    if (step.kind === "script") this.entries.push(startEntry(step, 1, lane.session, ticksNow()));
    this.begin.push(async () => {
      this.context.emit({ k: "start", step: step.id, try: 1, why: step.why });
      this.context.later(() => this.prepareNext(step));
      const work =
        step.kind === "packages" ? runPackageStep(this.context, step, lane) : runScriptStep(this.context, step, lane);
      const result = await work.catch((error: unknown) => brokenStep(step, error));
      this.context.lanes.give(lane);
      this.end(step, result, performance.now() - from);
      this.nextTurn();
    });
  }

  /** At most a few: each holds an open file. */
  private prepareNext(step: Step): void {
    const room = PREPARED - this.context.prepared.size;
    for (const next of this.schedule.soon(step.id).slice(0, Math.max(0, room))) {
      if (next.kind === "script") prepareScript(this.context, next);
    }
  }

  private end(step: Step, result: StepResult, ms: number): void {
    this.running--;
    this.took.set(step.id, ms);
    switch (result.how) {
      case "done":
        this.entries.push(...result.entries);
        this.context.emit({ k: "done", step: step.id, ms });
        this.block(this.schedule.end(step.id, "done"));
        break;
      case "failed":
        this.entries.push(...result.entries);
        this.fail(step, result, ms);
        break;
      case "interrupted":
        this.entries.push(...result.entries);
        this.interrupted = true;
        this.context.emit({
          k: "fail",
          step: step.id,
          ms,
          reason: "interrupted",
          message: "",
          tail: "",
          log: "",
          ignored: false,
        });
        break;
      case "reboot":
        this.reboot.push(step.id);
        this.context.emit({ k: "reboot", step: step.id });
        break;
    }
  }

  private fail(step: Step, { reason, message, tail, log }: StepResult & { how: "failed" }, ms: number): void {
    const ignored = step.kind === "script" && this.ignores(step.service);
    (ignored ? this.ignored : this.failed).push(step.id);
    this.context.emit({ k: "fail", step: step.id, ms, reason, message, tail, log, ignored });
    this.block(this.schedule.end(step.id, "failed"));
  }

  /** Steps that can never run now. It may be a step that ended well that decided it: the last one that they waited for. */
  private block(blocked: ReturnType<Schedule["end"]>): void {
    for (const { step, by } of blocked) {
      this.context.emit({ k: "blocked", step: step.id, by });
      if (step.kind === "packages") {
        this.blocked.push(step.id);
        continue;
      }
      // What follows a failure that may be is degraded with it, where it belongs to the same service.
      const own = this.ignores(step.service) && by.startsWith(`${step.service}.`);
      (own ? this.ignored : this.blocked).push(step.id);
      this.entries.push({ k: "blocked", svc: step.service, phase: step.phase, why: by });
    }
  }

  private ignores(service: string): boolean {
    return this.context.services.get(service)?.onFailure === "ignore";
  }

  private locksOf(step: Step): readonly string[] {
    if (step.kind === "packages") return [`packages:${step.manager}`];
    return this.context.services.get(step.service)?.locks ?? [];
  }
}

/** One service that breaks us in a new way may not end the run of all: only the journal may. */
function brokenStep(step: Step, error: unknown): StepResult {
  if (error instanceof BootlaceError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  const entries: Entry[] =
    step.kind === "script"
      ? [{ k: "fail", svc: step.service, phase: step.phase, rc: -1, why: message.slice(0, 500) }]
      : [];
  return { how: "failed", entries, reason: "internal", message, tail: "", log: "" };
}
