import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError } from "../../../stage2/index.ts";
import { abortError, throwIfAborted } from "../../session/abort.ts";
import { connectSsh } from "../../session/connect-ssh.ts";
import type { Session } from "../../session/session.ts";
import { type ConsoleReport, consoleEnd, consoleTail, hearConsole } from "../console.ts";
import { isAlive } from "../process-identity.ts";
import { endedAtOnce } from "./qemu-process.ts";
import type { QemuFiles, QemuSpec, QemuState } from "./qemu-spec.ts";

/** Between two knocks at a guest that has not said that it is ready; milliseconds. */
const KNOCK_EVERY = 2_000;
/** What one login may take; a guest without hardware help, and busy, needs some seconds. */
const LOGIN_WITHIN = 15_000;

/** The guest's own word on its present boot. */
export const hear = (state: QemuState, files: QemuFiles): Promise<ConsoleReport> =>
  hearConsole(files.console, state.consoleFrom);

/** Host keys that the machine has to show: the one that was planted, or those that it printed on its console. */
export async function knownHostKeys(
  spec: QemuSpec,
  files: QemuFiles,
  report: ConsoleReport,
): Promise<readonly string[]> {
  if (spec.base.boot === "direct") return report.hostKeys;
  return [await readFile(`${files.hostKey}.pub`, "utf8")];
}

/**
 * Waits until a machine lets the desk in and opens a session.
 *
 * @param within milliseconds.
 * @throws {BootlaceError} `E_QEMU_BOOT` with the console's end when QEMU ends or time is up; `E_SESSION_HOST_KEY`.
 */
export async function reach(
  spec: QemuSpec,
  files: QemuFiles,
  state: QemuState,
  within: number,
  signal?: AbortSignal,
): Promise<Session> {
  const end = performance.now() + within;
  let knock = 0;
  let last: unknown;
  for (;;) {
    throwIfAborted(signal);
    const report = await hear(state, files);
    if (!isAlive(state.process)) throw await endedAtOnce(files, await ending(state, files));
    const hostKeys = await knownHostKeys(spec, files, report);
    const now = performance.now();
    if (hostKeys.length > 0 && (report.ready || now >= knock)) {
      try {
        return await logIn(spec, files, state, hostKeys, signal);
      } catch (error) {
        if (signal?.aborted) throw abortError(signal);
        // Until cloud-init has planted the key, its image's own may answer.
        if (spec.base.boot === "direct" && isStranger(error)) throw error;
        last = error;
        knock = performance.now() + KNOCK_EVERY;
      }
    }
    if (now > end) throw isStranger(last) ? last : await tooLate(spec, files, state, within, last);
    await sleep(report.ready ? 500 : 50);
  }
}

/** One try. */
export async function logIn(
  spec: QemuSpec,
  files: QemuFiles,
  { port }: QemuState,
  hostKeys: readonly string[],
  signal?: AbortSignal,
): Promise<Session> {
  const privateKey = await readFile(files.userKey, "utf8");
  const target = `VM ${spec.name}`;
  const address = { host: "127.0.0.1", port, user: "root", privateKey, hostKeys, target, within: LOGIN_WITHIN };
  return connectSsh(address, signal);
}

const isStranger = (error: unknown): boolean => error instanceof BootlaceError && error.code === "E_SESSION_HOST_KEY";

async function ending(state: QemuState, files: QemuFiles): Promise<string> {
  const end = consoleEnd(await consoleTail(files.console, state.consoleFrom));
  return end ? `\nThe end of its console:\n${end}` : "";
}

async function tooLate(
  spec: QemuSpec,
  files: QemuFiles,
  state: QemuState,
  within: number,
  cause: unknown,
): Promise<BootlaceError> {
  const why = cause instanceof Error ? `; ${cause.message}` : "";
  const end = (await ending(state, files)) || "\nIts console stayed empty";
  return new BootlaceError(
    "E_QEMU_BOOT",
    `VM ${spec.name} let nobody in within ${within / 1000} s (${state.accel.accel})${why}${end}`,
    { cause, hint: `The whole console: bootlace logs ${spec.name} --console` },
  );
}
