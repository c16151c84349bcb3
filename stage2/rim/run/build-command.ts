import { chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { scriptEnvironment } from "../../execute/environment.ts";
import type { LaneCommand } from "../lane.ts";
import { fileName } from "../paths.ts";
import { asUser, OWN_UID, type User } from "../users.ts";
import type { RunContext } from "./context.ts";
import type { ScriptRequest } from "./execute-script.ts";

/** A script's whole command: who runs it, where, in which environment. Makes its state folder. */
export function buildCommand(
  context: RunContext,
  request: Pick<ScriptRequest, "service" | "phase" | "script" | "reason" | "extra">,
  user: User,
  output: string,
  credentials: string | undefined,
): LaneCommand {
  const { service, script } = request;
  const dir = join(context.folderOf(service.name), service.dir);
  const state = stateFolder(context, service.name, user);
  const file = join(dir, script.file);
  const env = scriptEnvironment({
    service,
    phase: request.phase,
    run: context.run,
    reason: request.reason,
    firstBoot: context.firstBoot,
    facts: context.facts,
    outputs: context.outputs,
    folders: {
      dir,
      state,
      output,
      artifacts: context.paths.artifacts,
      ...(credentials !== undefined && { credentials }),
    },
    user,
    ...(context.facts.has.includes("apt") && { aptConfig: join(context.paths.volatile, "apt.conf") }),
    ...(request.extra && { extra: request.extra }),
  });
  const argv = [...asUser(user), ...(script.with === "node" ? [process.execPath, file] : [file])];
  return { argv, env, cwd: dir, output: "/dev/null" };
}

/** A folder of the service's own that lasts. It belongs to whom the phase runs as. */
export function stateFolder(context: RunContext, service: string, user: User): string {
  const folder = join(context.paths.state, fileName(service));
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (OWN_UID === 0 && statSync(folder).uid !== user.uid) chownSync(folder, user.uid, user.gid);
  return folder;
}
