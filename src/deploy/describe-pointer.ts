import { type Pointer, parsePointer } from "./pointer.ts";
import { shownTime } from "./shown-time.ts";

/** One line on a pointer for people: `serial 57, bundle 3f2a91c04b7d, published 2026-11-20 15:31 UTC by ann@desk`. */
export function describePointer(text: string): string {
  const pointer = parsePointer(text);
  return `serial ${pointer.serial}, bundle ${pointer.bundle.digest.slice(0, 12)}, ${published(pointer)}`;
}

/** `published 2026-11-20 15:31 UTC by ann@desk` */
export function published({ created, by }: Pick<Pointer, "created" | "by">): string {
  return `published ${shownTime(created)} UTC${by === undefined ? "" : ` by ${by}`}`;
}
