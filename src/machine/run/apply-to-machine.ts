import { packBundle } from "../../bundle/pack.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { obtainRuntime } from "../../runtime/obtain-runtime.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";
import type { Session } from "../../session/session.ts";
import { deskStep } from "../desk-step.ts";
import type { Provider } from "../machine.ts";
import { closureFor } from "../machine-source.ts";
import { type Delivered, deliver } from "./deliver.ts";
import type { CloseEvent } from "./follow-run.ts";
import type { Link } from "./link.ts";
import { type Following, runAndFollow } from "./run-phase.ts";
import { readSecrets, sendSecrets } from "./send-secrets.ts";

export interface Payload extends Delivered {
  readonly roots: readonly string[];
  readonly closure: readonly string[];
}

/** Packs what a machine is to run. @throws {BootlaceError} what loading, closures, runtimes throw. */
export async function makePayload(
  loaded: LoadedProject,
  roots: readonly string[],
  provider: Provider,
  arch: RuntimeArch,
): Promise<Payload> {
  await provider.assertAvailable();
  const closure = closureFor(loaded, roots, provider, arch).map(({ name }) => name);
  const [bundle, runtime] = await Promise.all([
    packBundle(loaded),
    loaded.config.runtime === "system" ? ("system" as const) : obtainRuntime(arch),
  ]);
  return { loaded, bundle, runtime, roots, closure };
}

/** Delivers a project to a running machine and does what a boot would do: inits of what is new, then updates. */
export async function applyToMachine(link: Link, payload: Payload, following: Following): Promise<CloseEvent> {
  const session = await link.session(following.signal);
  const step = { step: "deliver", of: `machine ${link.machine.name}` };
  await deskStep(following.onEvent, step, () => deliver(session, payload, following.signal));
  const secrets = await readSecrets(payload.loaded, payload.closure);
  await sendSecrets(session, secrets);
  const onReconnect = (again: Session) => sendSecrets(again, secrets);
  return runAndFollow(link, { services: payload.roots }, { ...following, onReconnect });
}

/** True when the machine runs this very bundle with these very roots already. */
export async function isCurrent(session: Session, { bundle, roots }: Payload): Promise<boolean> {
  const read = await session.exec(["cat", "/var/lib/bootlace/current", "/etc/bootlace/services"]);
  const lines = read.stdout.split("\n").filter(Boolean);
  return (
    lines.includes(`bundle=${bundle.digest}`) && lines.filter((line) => !line.includes("=")).join() === roots.join()
  );
}
