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

/** How often the logs of running steps are looked at. */
const POLL = 100;

/**
 * Runs a plan to its end. Outcomes and the intents that they make possible go into the journal in one durable write
 * before anything further starts, so that nothing runs on an outcome that a power cut could take back.
 */
export function runPlan(context: RunContext, plan: Plan, jobs: number): Promise<PlanOutcome> {
  const ignores = (service: string): boolean => context.services.get(service)?.onFailure === "ignore";
  const schedule = new Schedule(plan, { jobs, ignores, locksOf: (step) => locksOf(context, step) });
  const failed: StepId[] = [];
  const blocked: StepId[] = [];
  const ignored: StepId[] = [];
  const reboot: StepId[] = [];
  const took = new Map<StepId, number>();
  const outcomes: Entry[] = [];
  let running = 0;
  let interrupted = false;
  let pumping = false;

  const poll = setInterval(() => {
    for (const follower of context.followed.values()) follower.poll();
  }, POLL);

  return new Promise((resolve, reject) => {
    const end = (step: Step, result: StepResult, ms: number): void => {
      running--;
      took.set(step.id, ms);
      if (result.how !== "reboot") outcomes.push(...result.entries);
      switch (result.how) {
        case "done":
          context.emit({ k: "done", step: step.id, ms });
          schedule.end(step.id, "done");
          break;
        case "failed": {
          const isIgnored = step.kind === "script" && ignores(step.service);
          (isIgnored ? ignored : failed).push(step.id);
          const { reason, message, tail, log } = result;
          context.emit({ k: "fail", step: step.id, ms, reason, message, tail, log, ignored: isIgnored });
          for (const { step: other, by } of schedule.end(step.id, "failed")) {
            blocked.push(other.id);
            context.emit({ k: "blocked", step: other.id, by });
            if (other.kind === "script")
              outcomes.push({ k: "blocked", svc: other.service, phase: other.phase, why: by });
          }
          break;
        }
        case "interrupted":
          interrupted = true;
          break;
        case "reboot":
          reboot.push(step.id);
          context.emit({ k: "reboot", step: step.id });
          break;
      }
    };

    const start = (step: Step): void => {
      const lane = context.lanes.take();
      const from = performance.now();
      running++;
      if (step.kind === "script") outcomes.push(startEntry(step, 1, lane.group, ticksNow()));
      waiting.push(async () => {
        context.emit({ k: "start", step: step.id, try: 1, why: step.why });
        context.later(() => {
          for (const next of schedule.soon(step.id)) if (next.kind === "script") prepareScript(context, next);
        });
        const service = step.kind === "script" ? context.services.get(step.service) : undefined;
        const result =
          step.kind === "packages"
            ? await runPackageStep(context, step, lane)
            : service && (await runScriptStep(context, step, service, lane));
        context.lanes.give(lane);
        if (result !== undefined) end(step, result, performance.now() - from);
        pump();
      });
    };
    const waiting: (() => Promise<void>)[] = [];

    const pump = (): void => {
      if (pumping) return;
      pumping = true;
      // Steps that end in the same turn share one durable write.
      queueMicrotask(() => {
        pumping = false;
        try {
          if (!context.stop.aborted && reboot.length === 0) for (const step of schedule.take()) start(step);
          if (context.stop.aborted && !schedule.finished) interrupted = true;
          context.record(outcomes.splice(0));
          for (const begin of waiting.splice(0)) begin().catch(fail);
          if (running === 0) finish();
        } catch (error) {
          fail(error);
        }
      });
    };

    const finish = (): void => {
      clearInterval(poll);
      const path = criticalPath(plan.steps, took);
      resolve({ failed, blocked, ignored, interrupted, reboot, criticalPath: path.steps, criticalMs: path.ms });
    };
    const fail = (error: unknown): void => {
      clearInterval(poll);
      reject(error);
    };
    context.stop.addEventListener("abort", pump, { once: true });
    pump();
  });
}

function locksOf(context: RunContext, step: Step): readonly string[] {
  return step.kind === "packages" ? [`packages:${step.manager}`] : (context.services.get(step.service)?.locks ?? []);
}
