import { BootlaceError } from "../../../stage2/index.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";
import type { BuildMark } from "../machine.ts";
import { ARM, armArguments, FAREWELL, LAST_RUN } from "./guest-scripts.ts";

/** A machine whose desk is silent for so long powers itself off, in seconds. */
const SILENCE = 15 * 60;
/** Milliseconds between two renewals. */
const RENEW_EVERY = 60_000;

export interface Guarded {
  readonly build: BuildMark;
  /** Instance id. */
  readonly machine: string;
  /** Gets the journal's last word on a run when the session is closed in order. */
  readonly onFarewell: (lastRun: string) => Promise<void>;
}

/**
 * Arms a builder's dead-man timer and renews it while the session is open. A connection that breaks leaves the short
 * deadline; one that is closed in order leaves the build's own, since somebody may want to come back.
 */
export async function guarded(session: Session, { build, machine, onFarewell }: Guarded): Promise<Session> {
  const id = `${build.id}/${machine}`;
  const left = () => Math.max(1, Math.floor((build.expires - Date.now()) / 1000));
  if (Date.now() >= build.expires)
    throw new BootlaceError("E_MACHINE_STATE", `${session.target}: the time of ${build.id} is over`, {
      hint: "Give the image more in bootlace.yaml (`timeout: 3h`), and build again.",
    });
  const arm = () =>
    runChecked(session, ["sh", "-c", ARM, "bootlace-dead-man", ...armArguments(id, Math.min(SILENCE, left()))]);
  await arm();
  // A renewal that fails is made up for by the next, or the connection is gone.
  const timer = setInterval(() => void arm().catch(() => {}), RENEW_EVERY).unref();
  let open = true;
  void session.closed.then(() => {
    open = false;
    clearInterval(timer);
  });
  return {
    target: session.target,
    closed: session.closed,
    exec: (argv, options) => session.exec(argv, options),
    shell: (options) => session.shell(options),
    async close() {
      clearInterval(timer);
      if (open) await farewell(session, armArguments(id, left()), onFarewell).catch(() => {});
      await session.close();
    },
  };
}

async function farewell(session: Session, armed: readonly string[], onFarewell: Guarded["onFarewell"]): Promise<void> {
  const asked = session.exec(["sh", "-c", `${FAREWELL}\n${LAST_RUN}`, "bootlace-farewell", ...armed], {
    signal: AbortSignal.timeout(10_000),
  });
  const { stdout } = await asked;
  await onFarewell(stdout.trim());
}
