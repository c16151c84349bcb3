import { startImage } from "../../image/find-image.ts";
import type { ImageRecord } from "../../image/image-record.ts";
import { keyChanges } from "../../image/key-changes.ts";
import type { Provider } from "../../machine/machine.ts";
import type { ParamOverlay } from "../../project/read-project.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";
import type { StepTools } from "../recipe.ts";
import { planKey } from "./plan-key.ts";

/** What `bootlace build` would do for one image. */
export interface PlannedImage {
  readonly image: string;
  readonly arch: RuntimeArch;
  readonly what: "build" | "unchanged";
  /** Each one a reason by itself. */
  readonly why: readonly string[];
  /** The one that is there, unchanged or not. */
  readonly present?: ImageRecord;
}

export interface WantedPlan {
  readonly dir: string;
  readonly image: string;
  /** What an image is made from, as bootlace.yaml has it. */
  readonly fromOf: (name: string) => unknown;
  readonly providerOf: (name: string) => Provider;
  readonly archesOf: (name: string) => readonly RuntimeArch[];
  readonly params: ParamOverlay;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * What would be built for an image, parents first, and why. Builds nothing; a parent that is there is taken as it is, as
 * in a build.
 *
 * @throws {BootlaceError} what working out a key throws.
 */
export async function planImages(wanted: WantedPlan, tools: StepTools): Promise<readonly PlannedImage[]> {
  const { dir, image, fromOf, providerOf, archesOf, params, now } = wanted;
  const plans: PlannedImage[] = [];
  const add = async (name: string, arch: RuntimeArch, asked: boolean): Promise<PlannedImage> => {
    const from = fromOf(name);
    const parent = typeof from === "string" ? await add(from, arch, false) : undefined;
    const plan = { image: name, arch, ...(await one(name, arch, asked, parent)) };
    plans.push(plan);
    return plan;
  };
  const one = async (name: string, arch: RuntimeArch, asked: boolean, parent: PlannedImage | undefined) => {
    const present = await startImage(dir, name, arch);
    const there = present ? { present } : {};
    if (present && !asked) return { what: "unchanged", why: ["it is there"], ...there } as const;
    if (parent?.what === "build") return { what: "build", why: [`${parent.image} is built first`], ...there } as const;
    const { key, same } = await planKey({ dir, image: name, arch, provider: providerOf(name), params, now }, tools);
    if (same) return { what: "unchanged", why: ["its key is the same"], present: same } as const;
    const why = present ? keyChanges(present.keyParts, key.parts) : ["there is no good one here"];
    return { what: "build", why, ...there } as const;
  };
  for (const arch of archesOf(image)) await add(image, arch, true);
  return plans;
}
