import { EXIT, type ExitCode } from "../../errors/exit.ts";
import type { Event } from "../../types/event.ts";
import type { Plan, StepId } from "../../types/plan.ts";
import { processesOfRun } from "../processes.ts";
import type { RunContext } from "./context.ts";
import type { RunRequest } from "./run-machine.ts";
import type { PlanOutcome } from "./run-plan.ts";

export interface RunResult {
  readonly run: string;
  readonly exit: ExitCode;
  readonly outcome: (Event & { k: "close" })["outcome"];
}

/** Decides how a run ended, and records it; a run that waits for a reboot stays open. */
export function closeRun(
  request: RunRequest,
  context: RunContext,
  plan: Plan,
  outcome: PlanOutcome,
  ms: number,
): RunResult {
  const { run } = context;
  const { failed, blocked, ignored } = outcome;
  if (outcome.interrupted) {
    const exit = request.stop.reason === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
    return shut(context, { outcome: "interrupted", exit, whole: false }, outcome, ms);
  }
  if (outcome.reboot.length > 0) {
    // The run stays open in the journal: it goes on after the boot.
    return { run, exit: EXIT.ok, outcome: "reboot" };
  }
  const how =
    failed.length + blocked.length > 0 ? "failed" : ignored.length > 0 || request.degraded ? "degraded" : "done";
  const exit = how === "failed" ? EXIT.serviceFailed : how === "degraded" && request.strict ? EXIT.degraded : EXIT.ok;
  const whole =
    how !== "failed" &&
    (request.phase === undefined || request.phase === "update") &&
    plan.left.every((left) => left.phase === undefined) &&
    request.whole.every((root) => plan.roots.includes(root));
  return shut(context, { outcome: how, exit, whole }, outcome, ms);
}

function shut(
  context: RunContext,
  end: { outcome: RunResult["outcome"]; exit: ExitCode; whole: boolean },
  { failed, blocked, ignored, criticalPath, criticalMs }: PlanOutcome,
  ms: number,
): RunResult {
  const { outcome, exit, whole } = end;
  context.record([{ k: "close", rc: exit, why: outcome, spec: { whole } }]);
  context.emit({ k: "close", run: context.run, outcome, exit, failed, blocked, ignored, criticalPath, criticalMs, ms });
  return { run: context.run, exit, outcome };
}

/** Daemons that phases left behind live on; people are told which. */
export function reportLeftRunning(context: RunContext, since: number): void {
  const byStep = new Map<StepId, { pid: number; command: string }[]>();
  for (const { pid, service, phase, command } of processesOfRun(context.run, since)) {
    const step = `${service}.${phase}`;
    byStep.set(step, [...(byStep.get(step) ?? []), { pid, command }]);
  }
  for (const [step, processes] of byStep) context.emit({ k: "left-running", step, processes });
}
