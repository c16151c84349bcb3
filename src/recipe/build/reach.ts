import { randomBytes } from "node:crypto";
import { plural } from "../../cli/plural.ts";
import { deskStep } from "../../machine/desk-step.ts";
import type { Machine } from "../../machine/machine.ts";
import { Link } from "../../machine/run/link.ts";
import type { Step } from "../recipe.ts";
import { settle } from "../settle.ts";
import type { BuildStart, Launched, Sealed } from "./build-context.ts";
import { type BuildPlan, planBuild } from "./build-plan.ts";

const seen = new WeakSet<BuildPlan>();

/** A retry comes through here again: whoever fixed a script at the desk wants that one to run. */
export const prepareStep: Step<BuildStart, { readonly plan: BuildPlan; readonly detail: string }> = {
  name: "prepare",
  async run({ dir, provider, plan }, tools) {
    const fresh = seen.has(plan)
      ? await planBuild(
          { dir, provider, now: Date.now(), image: plan.image, arch: plan.arch, params: plan.params },
          tools,
        )
      : plan;
    seen.add(fresh);
    return {
      plan: fresh,
      detail: `${plural(fresh.closure.length, "service")}, bundle ${fresh.bundle.digest.slice(0, 12)}`,
    };
  },
};

/** A kept machine of the same build is taken up again; where its image is being made already, from there. */
export const launchStep: Step<BuildStart, Launched & { readonly detail: string }> = {
  name: "launch",
  once: true,
  async run({ dir, provider, id, imageId, expires, plan }, { signal, report }) {
    const kept = await provider.find(dir, id);
    await kept?.extend?.(expires);
    const sealed = await sealedBefore(kept, plan, imageId);
    if (kept && !sealed) await kept.start(signal);
    const machine =
      kept ??
      (await provider.launch(
        {
          name: id,
          dir,
          base: plan.base,
          purpose: "build",
          // One of its own, so that it can be searched for: programs write it into files.
          hostname: `builder-${randomBytes(5).toString("hex")}`,
          hardware: plan.hardware,
          build: { id, expires },
          image: { name: plan.image, id: imageId },
          step: (step, act) => deskStep(report, { step, of: `image ${plan.image}` }, act),
        },
        signal,
      ));
    return {
      machine,
      link: new Link(machine),
      isCaptureBegun: sealed !== undefined,
      // In the place of what the step would tell that is left out.
      ...sealed,
      detail: [`${provider.name} ${machine.id}`, await machine.detail?.(), sealed ? "its image was begun" : ""]
        .filter(Boolean)
        .join(", "),
    };
  },
  async undo({ dir, provider, id, link }) {
    await link?.close();
    await (await provider.find(dir, id))?.dispose();
  },
  leave: async ({ link }) => link?.close(),
};

/** What the record has of a machine whose capture was begun; undefined where it was not, or not of what is wanted now. */
async function sealedBefore(
  machine: Machine | undefined,
  { records, image, key }: BuildPlan,
  imageId: string,
): Promise<Sealed | undefined> {
  if (!(await machine?.isCaptureBegun?.())) return undefined;
  const record = await records.get(image, imageId);
  if (record?.state !== "building" || record.key !== key.key || !record.inventory) return undefined;
  return { packages: record.packages, inventory: record.inventory };
}

/** Of the steps between launch and capture. */
export const unlessCaptured = ({ isCaptureBegun }: Launched): boolean => !isCaptureBegun;

export const connectStep: Step<Launched, object> = {
  name: "connect",
  once: true,
  when: unlessCaptured,
  async run({ link }, { signal }) {
    await link.session(signal);
    return {};
  },
};

export const settleStep: Step<Launched, object> = {
  name: "settle",
  once: true,
  when: unlessCaptured,
  async run({ link }, { signal }) {
    await settle(await link.session(signal), signal);
    return {};
  },
};
