import { parsePointer } from "./pointer.ts";

/** One line on a pointer for people: `serial 57, bundle 3f2a91c04b7d, published 2026-11-20 15:31 UTC by ann@desk`. */
export function describePointer(text: string): string {
  const { serial, created, bundle, by } = parsePointer(text);
  const when = new Date(created * 1000).toISOString().slice(0, 16).replace("T", " ");
  return `serial ${serial}, bundle ${bundle.digest.slice(0, 12)}, published ${when} UTC${by === undefined ? "" : ` by ${by}`}`;
}
