import { createHash } from "node:crypto";
import type { Service } from "../../../stage2/index.ts";
import { runnerFile } from "../../bundle/runner-file.ts";
import { isHere, startImage } from "../../image/find-image.ts";
import { type ImageKey, makeImageKey } from "../../image/image-key.ts";
import type { ImageRecord } from "../../image/image-record.ts";
import type { ImageRecords } from "../../image/records/image-records.ts";
import { recordsOf } from "../../image/records/open-records.ts";
import { deskStep } from "../../machine/desk-step.ts";
import { fillNames, paramsOf } from "../../machine/fill-names.ts";
import type { Base, Hardware, Provider } from "../../machine/machine.ts";
import { closureFor, hardwareOf, resolveBase } from "../../machine/machine-source.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import type { ParamOverlay } from "../../project/read-project.ts";
import { deskArch, pinnedRuntime, type RuntimeArch } from "../../runtime/pinned.ts";
import type { StepTools } from "../recipe.ts";
import { imageArches } from "./image-arches.ts";
import { imageConfig, loadImage } from "./image-config.ts";

export interface WantedBuild {
  readonly dir: string;
  readonly image: string;
  readonly provider: Provider;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Parameters of the command line. */
  readonly params: ParamOverlay;
  /** Default: the first of the image's. */
  readonly arch?: RuntimeArch;
}

/** What an image is to be made of, as far as its key goes. */
export interface KeyPlan {
  readonly image: string;
  readonly arch: RuntimeArch;
  readonly hardware: Hardware;
  readonly loaded: LoadedProject;
  readonly records: ImageRecords;
  readonly roots: readonly string[];
  readonly closure: readonly Service[];
  readonly base: Base;
  /** What its provider says of the base. */
  readonly baseState: string;
  readonly parent: ImageRecord | undefined;
  readonly key: ImageKey;
  /** The newest good image with this very key that something here can start from. */
  readonly same: ImageRecord | undefined;
}

/**
 * Works out an image's key, and whether there is one with it. Makes nothing but the base in the cache, and fetches neither
 * runtime nor secrets.
 *
 * @throws {BootlaceError} `E_CHECK`, `E_IMAGE_UNKNOWN`, `E_MACHINE_NEEDS`, what `assertAvailable` and the records throw.
 */
export async function planKey(wanted: WantedBuild, { report, signal }: StepTools): Promise<KeyPlan> {
  const { image, provider, now } = wanted;
  const loaded = await loadImage(wanted);
  const config = imageConfig(loaded, image);
  const records = await recordsOf(loaded.dir, loaded.config);
  const [first] = imageArches(loaded, image, provider, wanted.arch);
  const arch = wanted.arch ?? first ?? deskArch();
  await provider.assertAvailable();
  const roots = config.services ?? loaded.project.roots;
  const closure = closureFor(loaded, roots, provider, arch);
  const parent = typeof config.from === "string" ? await startImage(loaded.dir, config.from, arch) : undefined;
  const base = await resolveBase(loaded, config.from, provider, arch);
  const hardware = hardwareOf({ ...config, ec2: fillNames(config.ec2, `images.${image}`, paramsOf(closure)) }, arch);
  // The first time a base is made or fetched, which takes a minute.
  const stateOfBase = () =>
    base.kind === "debian" || base.kind === "url"
      ? deskStep(report, { step: "base", of: `image ${image}` }, () => provider.baseState(base, { arch, signal }))
      : provider.baseState(base, { arch, hardware, signal });
  const [runner, baseState] = await Promise.all([runnerFile(), stateOfBase()]);
  const key = makeImageKey({
    provider: provider.name,
    arch,
    base: parent ? parent.key : baseState,
    disk: config.disk,
    settings: provider.imageSettings?.(hardware),
    roots,
    closure,
    runner: createHash("sha256").update(runner).digest("hex"),
    runtime: loaded.config.runtime === "system" ? "system" : pinnedRuntime(arch).packed.digest,
    maxAge: config.maxAge,
    now,
  });
  const alike = (await records.named(image)).filter(
    (record) => record.state === "good" && record.key === key.key && isHere(loaded.dir, record),
  );
  const same = await firstThere(alike, provider);
  return { image, arch, hardware, loaded, records, roots, closure, base, baseState, parent, key, same };
}

/** What somebody removed at the provider is in the records still, and is no image any more. */
async function firstThere(images: readonly ImageRecord[], provider: Provider): Promise<ImageRecord | undefined> {
  for (const image of images)
    if (image.layers.length > 0 || !(await provider.isImageGone?.(image.origin))) return image;
  return undefined;
}
