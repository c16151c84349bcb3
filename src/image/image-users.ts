import { lookUp } from "../machine/find-machine.ts";
import type { Machine } from "../machine/machine.ts";
import { machineNames } from "../machine/machine-folder.ts";
import { type ImageRecord, imageName, keptOrigins } from "./image-record.ts";
import { openRecords } from "./records/open-records.ts";

/** Machines of the project here and images that stand on an image: `machine dev`, `image web/2026…`. */
export async function imageUsers(dir: string, image: ImageRecord): Promise<readonly string[]> {
  const [machines, images] = await Promise.all([machinesHere(dir), (await openRecords(dir)).line(image.lineage)]);
  return localUsers(image, images, machines);
}

/** Of many images at once: machines and records are looked at once. */
export function localUsers(
  image: ImageRecord,
  images: readonly ImageRecord[],
  machines: readonly Machine[],
): readonly string[] {
  const own = image.layers.at(-1)?.digest;
  const stands = ({ layers }: { readonly layers: readonly { readonly digest: string }[] }): boolean =>
    own !== undefined && layers.some(({ digest }) => digest === own);
  const on = machines.filter((machine) => stands(machine) || isFrom(machine, image));
  const children = images.filter(
    (other) =>
      other.state !== "gone" &&
      imageName(other) !== imageName(image) &&
      (stands(other) || (other.parent?.name === image.name && other.parent.id === image.id)),
  );
  return [...on.map(({ name }) => `machine ${name}`), ...children.map((other) => `image ${imageName(other)}`)];
}

const isFrom = (machine: Machine, image: ImageRecord): boolean =>
  machine.provider === image.provider && keptOrigins(image).some((origin) => machine.isFrom?.(origin));

/** Every machine that the project has at this desk, running or not. */
export async function machinesHere(dir: string): Promise<readonly Machine[]> {
  const found = await Promise.all((await machineNames(dir)).map((name) => lookUp(dir, name)));
  return found.filter((machine) => machine !== undefined);
}
