import { join } from "node:path";
import { BootlaceError } from "../../../stage2/index.ts";
import { PORTS, readPorts } from "../../image/inventory.ts";
import { deskStep } from "../../machine/desk-step.ts";
import type { FileLock } from "../../machine/file-lock.ts";
import { lookUp } from "../../machine/find-machine.ts";
import { layersOf, type Machine } from "../../machine/machine.ts";
import { machineNames } from "../../machine/machine-folder.ts";
import { Link } from "../../machine/run/link.ts";
import { followBoot, runAndFollow } from "../../machine/run/run-phase.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Step, StepTools } from "../recipe.ts";
import { followOrSaveLogs } from "../save-logs.ts";
import type { BuildStart, CapturedImage, Proven } from "./build-context.ts";
import { letGo } from "./let-go.ts";
import { lockSmoke } from "./smoke-lock.ts";
import { endRecord } from "./write-record.ts";

/** Names the fresh machine that proves an image. */
export const smokeName = (id: string): string => `${id}-smoke`;

/** By build. Held until the machine is gone or left to the person: one that failed still has its ports. */
const locks = new Map<string, FileLock>();

/** Boots a fresh machine from the image: its boot hook, update, ready; then destroy, as a real one would end. */
export const smokeStep: Step<BuildStart & CapturedImage, Proven> = {
  name: "smoke",
  async run(context, tools) {
    const { dir, provider, id, expires, plan, captured } = context;
    if (provider.sharesPorts) locks.set(id, locks.get(id) ?? (await lockSmoke(dir, `image ${plan.image}`, tools)));
    // A smoke test that is tried again begins with a fresh machine.
    await disposeSmoke(context);
    const base = {
      kind: "layers",
      origin: captured.origin,
      layers: layersOf(captured),
    } as const;
    const machine = await provider.launch(
      {
        name: smokeName(id),
        dir,
        base,
        purpose: "smoke",
        hostname: plan.image,
        hardware: plan.hardware,
        build: { id, expires },
        step: (step, act) => deskStep(tools.report, { step: `smoke: ${step}`, of: `image ${plan.image}` }, act),
      },
      tools.signal,
    );
    let ports: readonly string[] = [];
    try {
      ports = await prove(context, machine, tools);
    } catch (error) {
      if (!tools.signal.aborted) await tryQuarantine(context, error, tools);
      throw provider.sharesPorts ? await namingNeighbours(error, dir, smokeName(id)) : error;
    }
    await letGo(machine, tools);
    release(id);
    return { ports };
  },
  async undo(context) {
    try {
      await disposeSmoke(context);
    } finally {
      release(context.id);
    }
  },
  leave: async ({ id }) => release(id),
};

/** That the smoke test failed is what is told; an image that cannot be put aside is removed with its build. */
async function tryQuarantine(context: BuildStart & CapturedImage, error: unknown, tools: StepTools): Promise<void> {
  try {
    await quarantine(context, error);
  } catch (failure) {
    const why = failure instanceof Error ? failure.message : String(failure);
    const message = `The image could not be put into quarantine: ${why}`;
    tools.report({ t: Date.now(), k: "notice", level: "warning", code: "no-quarantine", message });
  }
}

/** Where the provider keeps the image, it stays for whoever wants to know why; a local one goes with its build. */
async function quarantine(context: BuildStart & CapturedImage, error: unknown): Promise<void> {
  const { provider, captured, id } = context;
  if (!provider.keepImage || !(error instanceof BootlaceError) || error.code !== "E_RUN_FAILED") return;
  const logs = join(".bootlace", "logs", id);
  await endRecord(context, { state: "quarantined", captured, reason: error.message, logs });
  await provider.keepImage(captured.origin, "quarantined");
}

async function prove({ dir, id, plan }: BuildStart, machine: Machine, tools: StepTools): Promise<readonly string[]> {
  const link = new Link(machine);
  const logged = (phase: string) => ({ dir, id, link, where: `image ${plan.image}, ${phase}` });
  try {
    await followOrSaveLogs(logged("first boot"), tools, (following) => followBoot(link, following));
    const ports = readPorts(await runChecked(await link.session(tools.signal), ["sh", "-c", PORTS]));
    if (!plan.closure.some(({ phases }) => phases.destroy)) return ports;
    const request = { phase: "destroy", purpose: "smoke", services: plan.roots } as const;
    await followOrSaveLogs(logged("destroy"), tools, (following) => runAndFollow(link, request, following));
    return ports;
  } finally {
    await link.close();
  }
}

async function disposeSmoke({ dir, provider, id }: BuildStart): Promise<void> {
  await (await provider.find(dir, smokeName(id)))?.dispose();
}

function release(id: string): void {
  locks.get(id)?.release();
  locks.delete(id);
}

/** A port that is taken is the likeliest thing that a smoke test finds and a build does not. */
async function namingNeighbours(error: unknown, dir: string, own: string): Promise<unknown> {
  if (!(error instanceof BootlaceError)) return error;
  const running: string[] = [];
  for (const name of await machineNames(dir))
    if (name !== own && (await (await lookUp(dir, name))?.status()) === "running") running.push(name);
  if (running.length === 0) return error;
  const shared = `Running beside it and sharing this computer's ports: ${running.join(", ")}.`;
  return new BootlaceError(error.code, error.message, {
    hint: [error.hint ?? "", shared].filter(Boolean).join("\n  "),
    cause: error,
  });
}
