import { chmodSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Reason, ScriptStep, StepId } from "../../types/plan.ts";
import type { Phase, Script, Service } from "../../types/service.ts";
import { placeCredentials, removeCredentials } from "../credentials.ts";
import { type Lane, NO_FOLDER } from "../lane.ts";
import { LogFollower } from "../log-follower.ts";
import { fileName } from "../paths.ts";
import { ticksNow } from "../processes.ts";
import { RedactedOutput } from "../redacted-output.ts";
import { currentUser, findUser, type User } from "../users.ts";
import { buildCommand, stateFolder } from "./build-command.ts";
import type { RunContext } from "./context.ts";
import { type EndedEarly, guardTime } from "./guard-time.ts";
import { prepareOutput, type TakenOutput, takeOutput } from "./output-file.ts";

/** A script's way to ask for a reboot: as in AWS Systems Manager's run command. */
export const ASK_REBOOT = 194;

export interface ScriptRequest {
  readonly step: StepId;
  readonly service: Service;
  readonly phase: Phase | `action:${string}` | "ready";
  readonly script: Script;
  readonly reason: Reason;
  readonly extra?: Readonly<Record<string, string>>;
}

/** The status of a script that we ended: as a shell tells SIGTERM. */
const ENDED = 143;

/** What is left to do when a script has ended and nobody waits for it any more. */
export type Afterwards = () => void;

export interface ScriptExit {
  /**
   * Absent when it could not even be started; then `message` says why. Never a success, nor a request to reboot, where
   * we ended the script: what its trap exits with says nothing.
   */
  readonly status?: number;
  readonly ended?: EndedEarly;
  readonly message: string;
  readonly tail: string;
  readonly log: string;
  readonly outputs: TakenOutput;
  /** Reads the rest of the log and closes it: off the path that the next script waits on. */
  readonly afterwards: Afterwards;
}

/**
 * Runs one script once, in a lane: environment, credentials, log, time limit, end of its session.
 *
 * @param onStart called with the session and start time before the script begins: the journal's intent.
 */
export async function executeScript(
  context: RunContext,
  lane: Lane,
  request: ScriptRequest,
  onStart: (session: number, started: number) => void,
): Promise<ScriptExit> {
  const { service, script } = request;
  const log = logFile(context, request.step);
  const refused = (message: string): ScriptExit => ({
    message,
    tail: "",
    log,
    outputs: { text: "" },
    afterwards: () => {},
  });

  const user = script.user === undefined ? currentUser() : findUser(script.user);
  if (user === undefined) return refused(`there is no user "${script.user}" to run it as`);
  const secretPhase = request.phase === "ready" ? "update" : request.phase;
  const credentials = placeCredentials(context.paths, context.run, service, secretPhase, user);
  if (!credentials.ok) return refused(credentials.why);

  const output = prepareOutput(context, request.step, user);
  const command = buildCommand(context, request, user, output, credentials.dir);
  const followed = follow(context, request.step, log, user);
  const redacted =
    credentials.values.length === 0
      ? undefined
      : new RedactedOutput(join(context.paths.volatile, "out", context.run, `${fileName(request.step)}.fifo`), log, {
          secrets: credentials.values,
          owner: user,
          onLost: (why) => lose(context, request.step, why),
        });
  try {
    const started = ticksNow();
    onStart(lane.session, started);
    const guard = guardTime(context, lane, service.name, started, script.timeout);
    const exited = await lane.run({ ...command, output: redacted?.path ?? followed?.path ?? "/dev/null" });
    const ended = await guard.finish();
    const status = ended === undefined ? exited : ENDED;
    await redacted?.close();
    return {
      status,
      ...(ended !== undefined && { ended }),
      message:
        status === NO_FOLDER ? `its working folder ${command.cwd} is not there, or the script cannot be run` : "",
      tail: status === 0 ? "" : (followed?.tail() ?? ""),
      log,
      outputs: takeOutput(output, credentials.values),
      afterwards: () => {
        context.followed.delete(request.step);
        followed?.close();
      },
    };
  } finally {
    if (credentials.dir !== undefined) removeCredentials(credentials.dir);
  }
}

/** Makes what a step will need, while others run and nobody waits for it. */
export function prepareScript(context: RunContext, step: ScriptStep): void {
  const script = context.services.get(step.service)?.phases[step.phase];
  if (script === undefined || context.prepared.has(step.id)) return;
  const user = script.user === undefined ? currentUser() : undefined;
  if (user !== undefined) stateFolder(context, step.service, user);
  const follower = openLog(context, step.id, logFile(context, step.id));
  if (follower !== undefined) context.prepared.set(step.id, follower);
}

function logFile(context: RunContext, step: StepId): string {
  return join(context.runDir, `${fileName(step)}.log`);
}

function follow(context: RunContext, step: StepId, log: string, user: User): LogFollower | undefined {
  const follower = context.prepared.get(step) ?? openLog(context, step, log);
  context.prepared.delete(step);
  follower?.giveTo(user);
  if (follower !== undefined) context.followed.set(step, follower);
  return follower;
}

function openLog(context: RunContext, step: StepId, log: string): LogFollower | undefined {
  try {
    return new LogFollower(
      log,
      (text) => context.emit({ k: "output", step, text }),
      () => context.emit({ k: "output-capped", step, log }),
    );
  } catch (error) {
    lose(context, step, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** A full or read-only volume: the script runs, its output is lost, and the run says so. */
function lose(context: RunContext, step: StepId, why: string): void {
  context.emit({ k: "notice", level: "warning", code: "W_LOG", message: `The output of ${step} is lost: ${why}` });
}

/** Makes the folder that holds all scripts' outputs; others may pass through it but not list it. */
export function prepareVolatile(context: RunContext): void {
  const folder = join(context.paths.volatile, "out", context.run);
  mkdirSync(folder, { recursive: true });
  for (const dir of [dirname(folder), folder]) chmodSync(dir, 0o711);
}
