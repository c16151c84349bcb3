import { BootlaceError } from "../../../stage2/index.ts";
import type { Provider } from "../../machine/machine.ts";
import { archOf } from "../../machine/machine-source.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import { deskArch, type RuntimeArch } from "../../runtime/pinned.ts";
import { imageConfig } from "./image-config.ts";

/**
 * The architectures that an image is built for: its own, else those of the image that it is made from, else that of the
 * desk. A sandbox has the desk's processor alone.
 *
 * @param only of the command line.
 * @throws {BootlaceError} `E_USAGE` for an architecture that the image does not have; `E_PROVIDER_UNSUPPORTED`.
 */
export function imageArches(
  loaded: Pick<LoadedProject, "config">,
  image: string,
  provider: Provider,
  only?: RuntimeArch,
): readonly RuntimeArch[] {
  const wanted = inherited(loaded, image);
  const arches = wanted ?? [only ?? deskArch()];
  if (only !== undefined && !arches.includes(only))
    throw new BootlaceError("E_USAGE", `The image ${image} is for ${arches.join(", ")}, not for ${only}`, {
      hint: `Say so in bootlace.yaml: \`arch: [${[...arches, only].join(", ")}]\``,
    });
  const chosen = only === undefined ? arches : [only];
  return provider.name === "sandbox"
    ? [archOf({ ...imageConfig(loaded, image), arch: [...chosen] }, provider)]
    : chosen;
}

function inherited(loaded: Pick<LoadedProject, "config">, image: string): readonly RuntimeArch[] | undefined {
  const { arch, from } = imageConfig(loaded, image);
  if (arch !== undefined) return [...new Set([arch].flat())];
  return typeof from === "string" ? inherited(loaded, from) : undefined;
}
