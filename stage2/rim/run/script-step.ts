import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseOutputs } from "../../execute/outputs.ts";
import { outputEntries } from "../../journal/entries.ts";
import type { Entry } from "../../journal/record.ts";
import { initDigest } from "../../plan/digest.ts";
import type { ScriptStep } from "../../types/plan.ts";
import type { Script, Service } from "../../types/service.ts";
import { placeArtifacts } from "../artifacts.ts";
import type { Lane } from "../lane.ts";
import { fileName } from "../paths.ts";
import { describeReady, waitReady } from "../ready.ts";
import type { RunContext, StepResult } from "./context.ts";
import { ASK_REBOOT, executeScript, type ScriptExit } from "./execute-script.ts";

/**
 * Runs one phase of one service: artifacts, tries, outputs, readiness.
 *
 * @param lane where it runs; its group stands in the journal already for the first try.
 */
export async function runScriptStep(context: RunContext, step: ScriptStep, lane: Lane): Promise<StepResult> {
  const service = context.services.get(step.service);
  if (service === undefined) throw new Error(`The plan names ${step.service}, which the bundle does not have`);
  const script = service.phases[step.phase];
  const misplaced =
    step.phase === "init" || step.phase === "update"
      ? await placeArtifacts(context.paths, service, context.facts)
      : undefined;
  if (misplaced !== undefined) return failed(step, { message: misplaced, tail: "", log: "" }, "artifact");
  if (script === undefined) return finish(context, step, service, lane, "");

  for (let attempt = 1; ; attempt++) {
    const request = { step: step.id, service, phase: step.phase, script, reason: step.why };
    const exit = await executeScript(context, lane, request, (pid, pst) => {
      // The first try's intent went into the journal together with what freed it.
      if (attempt > 1) context.record([startEntry(step, attempt, pid, pst)]);
      if (attempt > 1) context.emit({ k: "start", step: step.id, try: attempt, why: step.why });
    });
    context.later(exit.afterwards);
    if (exit.ended === "interrupted") return interrupted(step);
    if (exit.status === ASK_REBOOT) return askReboot(context, step, exit);
    if (exit.status === 0) {
      if ("problem" in exit.outputs) return failed(step, { ...exit, message: exit.outputs.problem }, "outputs");
      return finish(context, step, service, lane, exit.outputs.text);
    }
    const reason = reasonOf(exit, script);
    if (attempt >= script.attempts || exit.status === undefined) return failed(step, exit, reason);
    const waitMs = script.backoff * 2 ** (attempt - 1);
    context.emit({ k: "retry", step: step.id, reason, waitMs });
    await sleep(waitMs, undefined, { signal: context.stop }).catch(() => {});
    if (context.stop.aborted) return interrupted(step);
  }
}

/** A script that asks at every boot would never let the machine come up. */
const MOST_REBOOTS = 5;

function askReboot(context: RunContext, step: ScriptStep, exit: ScriptExit): StepResult {
  if ((context.unfinished.get(step.id) ?? 0) < MOST_REBOOTS) return { how: "reboot" };
  return failed(step, { ...exit, message: `it has asked for a reboot ${MOST_REBOOTS} times in a row` }, "reboot");
}

export function startEntry(step: ScriptStep, attempt: number, pid: number, pst: number): Entry {
  return { k: "start", svc: step.service, phase: step.phase, try: attempt, why: step.why, pid, pst };
}

async function finish(
  context: RunContext,
  step: ScriptStep,
  service: Service,
  lane: Lane,
  text: string,
): Promise<StepResult> {
  const outputs = parseOutputs(service.name, text);
  if (!outputs.ok) return failed(step, { message: outputs.why, tail: "", log: "" }, "outputs");
  if (step.phase === "update" && service.ready !== undefined) {
    const why = await becomeReady(context, step, service, lane);
    if (context.stop.aborted) return interrupted(step);
    if (why !== undefined) {
      const exit = {
        message: `it is not ready after ${seconds(service.ready.within)}: ${why}`,
        tail: "",
        log: "",
        outputs: "",
      };
      return failed(step, exit, `ready=${seconds(service.ready.within)}`);
    }
  }
  context.outputs.set(service.name, new Map([...(context.outputs.get(service.name) ?? []), ...outputs.values]));
  if (step.phase === "init") keepDestroy(context, service);
  return {
    how: "done",
    entries: [
      ...(step.phase === "init" ? outputEntries(service.name, "init", outputs.values) : []),
      { k: "done", svc: service.name, phase: step.phase, ...(step.phase === "init" && { dig: initDigest(service) }) },
    ],
  };
}

async function becomeReady(
  context: RunContext,
  step: ScriptStep,
  service: Service,
  lane: Lane,
): Promise<string | undefined> {
  const { ready } = service;
  if (ready === undefined) return undefined;
  context.emit({ k: "waiting-ready", step: step.id, for: describeReady(ready) });
  return waitReady(ready, context.facts, context.stop, async () => {
    if (ready.kind !== "run") return 0;
    const exit = await executeScript(
      context,
      lane,
      { step: `${step.id}.ready`, service, phase: "ready", script: ready.script, reason: step.why },
      () => {},
    );
    exit.afterwards();
    return exit.status ?? 1;
  });
}

/** A service that leaves the project later must still be able to tear itself down: its bundle is gone by then. */
function keepDestroy(context: RunContext, service: Service): void {
  if (service.phases.destroy === undefined) return;
  const folder = join(context.paths.destroy, fileName(service.name));
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(context.folderOf(service.name), service.dir), join(folder, service.dir), { recursive: true });
  writeFileSync(join(folder, "service.json"), JSON.stringify(service));
}

function reasonOf(exit: ScriptExit, script: Script): string {
  if (exit.ended === "timeout") return `timeout=${seconds(script.timeout ?? 0)}`;
  if (exit.status === undefined) return "refused";
  return exit.status > 128 ? `signal=${exit.status - 128}` : `exit=${exit.status}`;
}

const seconds = (ms: number): string => `${ms / 1000}s`;

function failed(
  step: ScriptStep,
  exit: Pick<ScriptExit, "status" | "message" | "tail" | "log">,
  reason: string,
): StepResult {
  const why = exit.message === "" ? reason : `${reason}: ${exit.message}`;
  const entry: Entry = {
    k: "fail",
    svc: step.service,
    phase: step.phase,
    rc: exit.status ?? -1,
    why: why.slice(0, 500),
  };
  return { how: "failed", entries: [entry], reason, message: exit.message, tail: exit.tail, log: exit.log };
}

function interrupted(step: ScriptStep): StepResult {
  return {
    how: "interrupted",
    entries: [{ k: "fail", svc: step.service, phase: step.phase, rc: -1, why: "interrupted" }],
  };
}
