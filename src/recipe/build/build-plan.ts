import { createHash } from "node:crypto";
import { BootlaceError, type Service } from "../../../stage2/index.ts";
import { type Bundle, packBundle } from "../../bundle/pack.ts";
import { runnerFile } from "../../bundle/runner-file.ts";
import { didYouMean } from "../../cli/did-you-mean.ts";
import { assertPublished } from "../../deploy/assert-published.ts";
import { type ImageKey, makeImageKey } from "../../image/image-key.ts";
import { findImage, type ImageRecord, listImages } from "../../image/image-record.ts";
import { deskStep } from "../../machine/desk-step.ts";
import type { Base, Hardware, Provider } from "../../machine/machine.ts";
import { archOf, closureFor, hardwareOf, resolveBase } from "../../machine/machine-source.ts";
import { readSecrets, type SecretValue } from "../../machine/run/send-secrets.ts";
import { loadProject } from "../../project/load-project.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { obtainRuntime, type Runtime } from "../../runtime/obtain-runtime.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";
import type { StepTools } from "../recipe.ts";

/** Everything that is known of a build before it creates anything. */
export interface BuildPlan {
  readonly image: string;
  readonly arch: RuntimeArch;
  readonly hardware: Hardware;
  readonly loaded: LoadedProject;
  readonly bundle: Bundle;
  readonly runtime: Runtime | "system";
  readonly roots: readonly string[];
  readonly closure: readonly Service[];
  readonly secrets: readonly SecretValue[];
  readonly base: Base;
  readonly parent: ImageRecord | undefined;
  readonly key: ImageKey;
  /** The newest image with this very key. */
  readonly same: ImageRecord | undefined;
}

/**
 * Reads the project and works out what an image is to be made of. Creates nothing but bundle and base in the cache.
 *
 * @throws {BootlaceError} `E_CHECK`, `E_IMAGE_UNKNOWN`, `E_MACHINE_NEEDS`, what `assertAvailable` throws, and what reading secrets and runtimes throws.
 */
export async function planBuild(
  dir: string,
  image: string,
  provider: Provider,
  now: number,
  { report, signal }: StepTools,
): Promise<BuildPlan> {
  const config = imageConfig(await loadProject(dir), image);
  const loaded = await loadProject(dir, config.params ? { params: config.params } : {});
  const arch = archOf(config, provider);
  await provider.assertAvailable();
  const roots = config.services ?? loaded.project.roots;
  const closure = closureFor(loaded, roots, provider, arch);
  const parent = typeof config.from === "string" ? await findImage(loaded.dir, config.from) : undefined;
  const base = await resolveBase(loaded, config.from, provider);
  const hardware = hardwareOf(config, arch);
  // The first time a base is made or fetched, which takes a minute.
  const stateOfBase = () =>
    base.kind === "debian" || base.kind === "url"
      ? deskStep(report, { step: "base", of: `image ${image}` }, () => provider.baseState(base, { arch, signal }))
      : provider.baseState(base, { arch, hardware, signal });
  const [bundle, runtime, runner, baseState, secrets] = await Promise.all([
    packBundle(loaded),
    loaded.config.runtime === "system" ? ("system" as const) : obtainRuntime(arch),
    runnerFile(),
    stateOfBase(),
    readSecrets(
      loaded,
      closure.map(({ name }) => name),
    ),
  ]);
  await assertPublished(loaded, bundle);
  const key = makeImageKey({
    provider: provider.name,
    arch,
    base: parent ? parent.key : baseState,
    disk: config.disk,
    roots,
    closure,
    runner: createHash("sha256").update(runner).digest("hex"),
    runtime: runtime === "system" ? "system" : runtime.digest,
    maxAge: config.maxAge,
    now,
  });
  const same = (await listImages(loaded.dir)).find((record) => record.name === image && record.key === key.key);
  return { image, arch, hardware, loaded, bundle, runtime, roots, closure, secrets, base, parent, key, same };
}

/** @throws {BootlaceError} `E_IMAGE_UNKNOWN` with the nearest name. */
export function imageConfig(loaded: LoadedProject, image: string) {
  const config = loaded.config.images[image];
  if (config) return config;
  const names = Object.keys(loaded.config.images);
  const near = didYouMean(image, names);
  throw new BootlaceError(
    "E_IMAGE_UNKNOWN",
    `The project has no image "${image}"; it has: ${names.join(", ") || "none"}`,
    {
      hint: near ? `Did you mean "${near}"?` : "Images stand in bootlace.yaml under `images:`.",
    },
  );
}
