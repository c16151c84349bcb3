import { writeFile } from "node:fs/promises";
import { shownBytes } from "../../stage2/index.ts";
import { VERSION } from "../cli/version.ts";
import { age } from "../image/age.ts";
import { type ImageRecord, imageName } from "../image/image-record.ts";
import type { Provider } from "../machine/machine.ts";
import type { BuildResult } from "../recipe/build/build-image.ts";

/** What a build came to, for a person. @param name as the command's order has it. */
export function builtLine({ image, built }: BuildResult, name: string, provider: Provider): string {
  const own = image.layers.at(-1);
  const size = own ? shownBytes(own.bytes) : (provider.locate?.(image.origin) ?? "");
  const copies = image.copies.map(({ origin }) => `, ${provider.locate?.(origin) ?? ""}`).join("");
  const shown = name === image.name ? imageName(image) : `${imageName(image)} (${image.arch})`;
  return built
    ? `image ${shown}, ${size}${copies}. Start it: bootlace up ${image.name}`
    : `image ${shown} is unchanged, ${age(Date.now() - image.created)} old. Build it all the same: --force`;
}

/** What other programs call an image: an AMI's id, else NAME/ID. */
export const idOf = (image: ImageRecord, provider: Provider): string =>
  provider.imageId?.(image.origin) ?? imageName(image);

/** Writes what came of a build as JSON, for programs that go on from there. docs/images.md has its fields. */
export function writeManifest(
  file: string,
  project: string,
  results: readonly BuildResult[],
  providerOf: (image: string) => Provider,
): Promise<void> {
  const images = results.map(({ image, built }) => {
    const provider = providerOf(image.name);
    return {
      name: image.name,
      id: image.id,
      built,
      arch: image.arch,
      provider: image.provider,
      key: image.key,
      created: new Date(image.created).toISOString(),
      is: idOf(image, provider),
      ...(image.origin.region ? { region: image.origin.region } : {}),
      copies: Object.fromEntries(image.copies.map(({ region, origin }) => [region, provider.imageId?.(origin) ?? ""])),
      services: image.services.map(({ name }) => name),
      bundle: image.bundle,
    };
  });
  return writeFile(file, `${JSON.stringify({ format: 1, project, bootlace: VERSION, images }, null, 2)}\n`);
}
