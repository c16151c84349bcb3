import { BootlaceError } from "../../../stage2/index.ts";
import { didYouMean } from "../../cli/did-you-mean.ts";
import { fillNames, paramsOf } from "../../machine/fill-names.ts";
import type { Provider } from "../../machine/machine.ts";
import { closureFor } from "../../machine/machine-source.ts";
import type { ImageConfig } from "../../manifest/project-schema.ts";
import { loadProject } from "../../project/load-project.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { mergeParams } from "../../project/merge-params.ts";
import type { ParamOverlay } from "../../project/read-project.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";

/** @throws {BootlaceError} `E_IMAGE_UNKNOWN` with the nearest name. */
export function imageConfig(loaded: Pick<LoadedProject, "config">, image: string): ImageConfig {
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

export interface WantedImage {
  readonly dir: string;
  readonly image: string;
  /** Parameters of the command line, laid over those of the image. */
  readonly params: ParamOverlay;
}

/** The project as an image has it. @throws {BootlaceError} `E_CHECK`, `E_IMAGE_UNKNOWN`. */
export async function loadImage({ dir, image, params }: WantedImage): Promise<LoadedProject> {
  const project = await loadProject(dir);
  const merged = mergeParams(imageConfig(project, image).params ?? {}, params);
  return Object.keys(merged).length === 0 ? project : loadProject(dir, { params: merged });
}

/**
 * Whether an image can be made of the project at all: its parameters, what its services need, what its names refer to.
 *
 * @throws {BootlaceError} `E_CHECK`, `E_IMAGE_UNKNOWN`, `E_MACHINE_NEEDS`, `E_REFERENCE`.
 */
export async function checkImage(wanted: WantedImage, arch: RuntimeArch, provider: Provider): Promise<void> {
  const loaded = await loadImage(wanted);
  const config = imageConfig(loaded, wanted.image);
  const closure = closureFor(loaded, config.services ?? loaded.project.roots, provider, arch);
  fillNames(config.ec2, `images.${wanted.image}`, paramsOf(closure));
}
