import { machineNames, readJson } from "../machine/machine-folder.ts";
import { filesOf, type SandboxSpec } from "../machine/sandbox/sandbox-spec.ts";
import { type ImageRecord, listImages } from "./image-record.ts";

/** Machines and images that stand on an image: `machine dev`, `image web/2026…`. */
export async function imageUsers(dir: string, image: ImageRecord): Promise<readonly string[]> {
  const own = image.layers.at(-1)?.digest;
  const users: string[] = [];
  for (const name of await machineNames(dir)) {
    const spec = await readJson<SandboxSpec>(filesOf(dir, name).spec);
    if (spec?.layers.some(({ digest }) => digest === own)) users.push(`machine ${name}`);
  }
  for (const other of await listImages(dir))
    if (other.id !== image.id && other.layers.some(({ digest }) => digest === own))
      users.push(`image ${other.name}/${other.id}`);
  return users;
}
