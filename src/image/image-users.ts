import { lookUp } from "../machine/find-machine.ts";
import { machineNames } from "../machine/machine-folder.ts";
import { type ImageRecord, listImages } from "./image-record.ts";

/** Machines and images that stand on an image: `machine dev`, `image web/2026…`. */
export async function imageUsers(dir: string, image: ImageRecord): Promise<readonly string[]> {
  const own = image.layers.at(-1)?.digest;
  const users: string[] = [];
  for (const name of await machineNames(dir)) {
    const machine = await lookUp(dir, name);
    if (machine?.layers.some(({ digest }) => digest === own)) users.push(`machine ${name}`);
  }
  for (const other of await listImages(dir))
    if (other.id !== image.id && other.layers.some(({ digest }) => digest === own))
      users.push(`image ${other.name}/${other.id}`);
  return users;
}
