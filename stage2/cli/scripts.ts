import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/exit.ts";
import { placeCredentials, removeCredentials } from "../rim/credentials.ts";
import { readState } from "../rim/journal-file.ts";
import { LanePool } from "../rim/lane.ts";
import { fileName } from "../rim/paths.ts";
import { machOf } from "../rim/plan-machine.ts";
import { buildCommand } from "../rim/run/build-command.ts";
import type { RunContext } from "../rim/run/context.ts";
import { executeScript, prepareVolatile, type ScriptRequest } from "../rim/run/execute-script.ts";
import { newRunId } from "../rim/run/run-machine.ts";
import { asUser, currentUser, findUser } from "../rim/users.ts";
import type { Phase, Script, Service } from "../types/service.ts";
import type { Arguments } from "./arguments.ts";
import { type Machine, openMachine } from "./machine.ts";

/** `do [SERVICE.ACTION [key=value…]]`: runs an action, or lists them. */
export async function doCommand(args: Arguments): Promise<ExitCode> {
  const machine = openMachine(args);
  const [, name, ...pairs] = args.words;
  if (name === undefined) {
    for (const service of machine.project.services) {
      for (const [action, { description }] of Object.entries(service.actions))
        process.stdout.write(`${service.name}.${action}  ${description}\n`);
    }
    return EXIT.ok;
  }
  const { service, part } = findService(machine, name);
  const action = service.actions[part];
  if (action === undefined) {
    throw new BootlaceError("E_UNKNOWN_ACTION", `${service.name} has no action "${part}"`, {
      hint: `It has: ${Object.keys(service.actions).join(", ") || "none"}.`,
    });
  }
  const extra = Object.fromEntries(
    pairs.map((pair) => {
      const [, key, value] = /^([A-Za-z][A-Za-z0-9_]*)=(.*)$/s.exec(pair) ?? [];
      if (key === undefined || value === undefined)
        throw new BootlaceError("E_USAGE", `Expected key=value, got "${pair}"`);
      return [key, value];
    }),
  );
  const context = looseContext(machine, (text) => process.stdout.write(text));
  const request = {
    step: `${service.name}.${part}`,
    service,
    phase: `action:${part}` as const,
    script: action,
    reason: "asked" as const,
    extra,
  };
  const poll = setInterval(() => context.followed.get(request.step)?.poll(), 100);
  const lane = context.lanes.take();
  const exit = await executeScript(context, lane, request, () => {});
  context.lanes.give(lane);
  clearInterval(poll);
  exit.afterwards();
  context.lanes.close();
  if (exit.status === 0) return EXIT.ok;
  throw new BootlaceError("E_ACTION", `${name} failed: ${exit.message || `exit ${exit.status}`}`);
}

/** `env SERVICE.PHASE [--shell]`: the script's environment, or a shell in it. */
export function envCommand(args: Arguments): ExitCode {
  const machine = openMachine(args);
  const { service, part } = findService(machine, args.words[1] ?? "");
  const script: Script | undefined = service.phases[part as Phase] ?? service.actions[part];
  if (script === undefined)
    throw new BootlaceError("E_UNKNOWN_ACTION", `${service.name} has no phase or action "${part}"`);
  const phase = part in service.phases ? (part as Phase) : (`action:${part}` as const);
  const context = looseContext(machine, () => {});
  const user = script.user === undefined ? currentUser() : findUser(script.user);
  if (user === undefined) throw new BootlaceError("E_STATE", `There is no user "${script.user}" on this machine`);
  const output = join(context.paths.volatile, "out", context.run, fileName(`${service.name}.${part}`));
  const request: Pick<ScriptRequest, "service" | "phase" | "script" | "reason"> = {
    service,
    phase,
    script,
    reason: "asked",
  };
  if (!args.values.shell) {
    const { env } = buildCommand(context, request, user, output, undefined);
    for (const [name, value] of Object.entries(env)) process.stdout.write(`${name}=${value}\n`);
    return EXIT.ok;
  }
  const credentials = placeCredentials(context.paths, context.run, service, phase, user);
  if (!credentials.ok) process.stderr.write(`bootlace: ${credentials.why}\n`);
  const folder = credentials.ok ? credentials.dir : undefined;
  try {
    const command = buildCommand(context, request, user, output, folder);
    const [program = "/bin/sh", ...words] = [...asUser(user), "/bin/sh"];
    process.stderr.write(
      `bootlace: ${service.name}.${part} would run ${command.argv.at(-1)} here; exit leaves the shell\n`,
    );
    const env = { ...command.env, TERM: process.env.TERM ?? "dumb" };
    const shell = spawnSync(program, words, { cwd: command.cwd, env, stdio: "inherit" });
    return shell.status === 0 ? EXIT.ok : EXIT.serviceFailed;
  } finally {
    if (folder !== undefined) removeCredentials(folder);
  }
}

function findService(machine: Machine, name: string): { service: Service; part: string } {
  const dot = name.lastIndexOf(".");
  const service = machine.project.services.find((one) => one.name === name.slice(0, dot));
  if (dot < 0) throw new BootlaceError("E_USAGE", `Expected SERVICE.PHASE or SERVICE.ACTION, got "${name}"`);
  if (service === undefined)
    throw new BootlaceError("E_UNKNOWN_SERVICE", `No service is called "${name.slice(0, dot)}"`);
  return { service, part: name.slice(dot + 1) };
}

/** A context outside of any run: nothing of it goes into the journal. */
function looseContext(machine: Machine, onOutput: (text: string) => void): RunContext {
  const run = newRunId();
  const { paths, facts, project, bundleDir } = machine;
  const state = readState(paths.journal);
  const runDir = join(paths.runs, `${run}-asked`);
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const context: RunContext = {
    run,
    paths,
    facts,
    folderOf: () => bundleDir,
    runDir,
    services: new Map(project.services.map((service) => [service.name, service])),
    firstBoot: !state.updated.has(machOf(machine.paths, machine.facts)),
    lanes: new LanePool(),
    outputs: new Map([...state.services].map(([name, service]) => [name, new Map(service.outputs)])),
    emit: (happening) => happening.k === "output" && onOutput(happening.text),
    later: (work) => work(),
    record: () => {},
    stop: new AbortController().signal,
    unfinished: new Map(),
    prepared: new Map(),
    followed: new Map(),
  };
  prepareVolatile(context);
  return context;
}
