import type { ImageRecord } from "./image-record.ts";

export interface PruneRule {
  /** How many good ones stay. */
  readonly keep: number;
  /** Milliseconds: a younger one stays. */
  readonly olderThan: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Which images of one name may go: good ones beyond the newest few, those that are deprecated, and those in quarantine
 * once a good one came after them. Each architecture of each provider has its own newest few. What was made by hand stays.
 *
 * @param images of one name, the newest first.
 */
export function pruneImages(images: readonly ImageRecord[], rule: PruneRule): readonly ImageRecord[] {
  const built = images.filter(({ provenance }) => provenance === "built");
  const kinds = new Set(built.map(kindOf));
  return [...kinds].flatMap((kind) =>
    pruneKind(
      built.filter((image) => kindOf(image) === kind),
      rule,
    ),
  );
}

const kindOf = ({ provider, arch }: ImageRecord): string => `${provider} ${arch}`;

function pruneKind(images: readonly ImageRecord[], rule: PruneRule): readonly ImageRecord[] {
  const good = images.filter(({ state }) => state === "good");
  const [newest] = good;
  const kept = new Set(good.slice(0, rule.keep));
  return images.filter(
    (image) =>
      rule.now - image.created >= rule.olderThan &&
      ((image.state === "good" && !kept.has(image)) ||
        image.state === "deprecated" ||
        (image.state === "quarantined" && newest !== undefined && newest.id > image.id)),
  );
}
