import type { PackageManager, Phase } from "../types/service.ts";
import type { Entry, RunSpec } from "./record.ts";

/** Bytes that a part of a long value or list may take in a line, when escaped: the rest of the line fits beside it. */
const ROOM = 1300;

const escaped = (text: string): number => Buffer.byteLength(JSON.stringify(text)) + 1;

/** Splits a list so that each part fits into a line; one empty part for an empty list. */
function split(names: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  let room = ROOM;
  for (const name of names) {
    const size = escaped(name);
    if (size > room && (parts.at(-1)?.length ?? 0) > 0) {
      parts.push([]);
      room = ROOM;
    }
    parts.at(-1)?.push(name);
    room -= size;
  }
  return parts;
}

/** Entries that hold a phase's outputs; a long value is spread over several. */
export function outputEntries(svc: string, phase: Phase, outputs: ReadonlyMap<string, string>): Entry[] {
  return [...outputs].flatMap(([name, value]) =>
    split([...value]).map((characters, part): Entry => {
      return { k: "output", svc, phase, spec: { name, value: characters.join(""), ...(part > 0 && { part }) } };
    }),
  );
}

/** Entries that say what a service has had installed. */
export function packageEntries(svc: string, manager: PackageManager, names: readonly string[]): Entry[] {
  return split(names).map((some, part): Entry => {
    return { k: "packages", svc, spec: { manager, names: some, ...(part > 0 && { part }) } };
  });
}

/** Entries that open a run. Roots and steps to run again may take several lines. */
export function openEntries(bundle: string, spec: RunSpec): Entry[] {
  const roots = split(spec.roots);
  const rerun = split(spec.rerun ?? []);
  return Array.from({ length: Math.max(roots.length, rerun.length) }, (_, part): Entry => {
    const some = { roots: roots[part] ?? [], ...(rerun[part]?.length && { rerun: rerun[part] }) };
    return { k: "open", bundle, spec: { ...spec, ...some }, ...(part > 0 && { part }) };
  });
}
