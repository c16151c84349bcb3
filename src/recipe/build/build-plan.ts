import { type Bundle, packBundle } from "../../bundle/pack.ts";
import { assertPublished } from "../../deploy/assert-published.ts";
import type { ParamNotes } from "../../image/image-record.ts";
import { readSecrets, type SecretValue } from "../../machine/run/send-secrets.ts";
import { paramNotes } from "../../project/param-notes.ts";
import type { ParamOverlay } from "../../project/read-project.ts";
import { obtainRuntime, type Runtime } from "../../runtime/obtain-runtime.ts";
import type { StepTools } from "../recipe.ts";
import { imageConfig } from "./image-config.ts";
import { type KeyPlan, planKey, type WantedBuild } from "./plan-key.ts";

/** Everything that is known of a build before it creates anything. */
export interface BuildPlan extends KeyPlan {
  readonly bundle: Bundle;
  readonly runtime: Runtime | "system";
  /** Of the command line. */
  readonly params: ParamOverlay;
  /** All values that the closure's scripts get, and where each came from. */
  readonly notes: ParamNotes;
  readonly secrets: readonly SecretValue[];
}

/**
 * Reads the project and works out what an image is to be made of. Creates nothing but bundle, runtime and base in the cache.
 *
 * @throws {BootlaceError} what `planKey` throws, and what reading secrets and runtimes throws.
 */
export async function planBuild(wanted: WantedBuild, tools: StepTools): Promise<BuildPlan> {
  const { image, params } = wanted;
  const plan = await planKey(wanted, tools);
  const { loaded, closure, arch } = plan;
  const overlays = [
    { from: "image", values: imageConfig(loaded, image).params ?? {} },
    { from: "command line", values: params },
  ];
  const [bundle, runtime, secrets, notes] = await Promise.all([
    packBundle(loaded),
    loaded.config.runtime === "system" ? ("system" as const) : obtainRuntime(arch),
    readSecrets(
      loaded,
      closure.map(({ name }) => name),
    ),
    paramNotes(loaded, closure, overlays),
  ]);
  await assertPublished(loaded, bundle);
  return { ...plan, bundle, runtime, params, notes, secrets };
}
