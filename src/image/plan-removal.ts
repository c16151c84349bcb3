import { type ImageRecord, imageName } from "./image-record.ts";
import { machinesHere } from "./image-users.ts";
import { knownUsers } from "./known-users.ts";

export interface Removal {
  readonly image: ImageRecord;
  /** What stands on it; while there is anything, it stays. */
  readonly users: readonly string[];
}

/**
 * Which of some images can be removed, children first: an image that stands on nothing but what goes too goes with it.
 *
 * @param all records of the project.
 */
export async function planRemoval(
  dir: string,
  wanted: readonly ImageRecord[],
  all: readonly ImageRecord[],
): Promise<readonly Removal[]> {
  const machines = await machinesHere(dir);
  const plan: Removal[] = [];
  const going = new Set<string>();
  for (const image of childrenFirst(wanted)) {
    const users = await knownUsers(image, all, machines);
    const left = users.filter((user) => !going.has(user));
    if (left.length === 0) going.add(`image ${imageName(image)}`);
    plan.push({ image, users: left });
  }
  return plan;
}

/** A parent was there before its child. */
const childrenFirst = (images: readonly ImageRecord[]): readonly ImageRecord[] =>
  [...images].sort((a, b) => (a.id < b.id ? 1 : -1));
