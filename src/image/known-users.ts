import type { Machine } from "../machine/machine.ts";
import { providerNamed } from "../machine/providers.ts";
import { type ImageRecord, keptOrigins } from "./image-record.ts";
import { localUsers } from "./image-users.ts";

/**
 * All that stands on an image: machines here, other images, and what its provider knows of, in every region that it was
 * copied to.
 *
 * @throws {BootlaceError} where the provider cannot be asked: then nobody knows, and nothing may be removed.
 */
export async function knownUsers(
  image: ImageRecord,
  images: readonly ImageRecord[],
  machines: readonly Machine[],
): Promise<readonly string[]> {
  const here = localUsers(image, images, machines);
  const { usersOf } = providerNamed(image.provider);
  const there = usersOf ? await Promise.all(keptOrigins(image).map((origin) => usersOf(origin))) : [];
  return [...here, ...there.flat()];
}
