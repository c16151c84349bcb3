import { basename } from "node:path";
import type { Base, Origin } from "../machine.ts";

/** What a machine was started from, in words that an image may keep: no path of the desk, no access data of an address. */
export function describeBase(base: Base): string | undefined {
  if (base.kind === "layers") return base.origin.from;
  if (base.kind === "debian") return `debian ${base.suite}`;
  if (base.kind === "file") return `file ${basename(base.path)}`;
  if (base.kind !== "url") return undefined;
  const { protocol, host, pathname } = new URL(base.url);
  return `${protocol}//${host}${pathname}`;
}

/** `debian bookworm (base 78e01eeb9c12)`; images of earlier versions did not note what it was. */
export function describeOrigin({ from, base = "", boot }: Origin): string {
  const what = from ?? (boot === "direct" ? "a Debian release" : "a disk image");
  return `${what} (base ${base.slice(0, 12)})`;
}
