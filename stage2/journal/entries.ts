import type { PackageManager, Phase } from "../types/service.ts";
import type { Entry, RunSpec } from "./record.ts";

/** Room for a value in one line of the journal, in UTF-16 units; each may take six bytes when escaped. */
const PART = 512;

/** Entries that hold a phase's outputs; a long value is spread over several. */
export function outputEntries(svc: string, phase: Phase, outputs: ReadonlyMap<string, string>): Entry[] {
  return [...outputs].flatMap(([name, value]) => {
    const parts = Math.max(1, Math.ceil(value.length / PART));
    return Array.from({ length: parts }, (_, part): Entry => {
      const text = value.slice(part * PART, (part + 1) * PART);
      return { k: "output", svc, phase, spec: { name, value: text, ...(part > 0 && { part }) } };
    });
  });
}

/** Names in one line of the journal: Debian's longest stay under 60 bytes. */
const NAMES = 50;

/** Entries that say what a service has had installed. */
export function packageEntries(svc: string, manager: PackageManager, names: readonly string[]): Entry[] {
  const parts = Math.max(1, Math.ceil(names.length / NAMES));
  return Array.from({ length: parts }, (_, part): Entry => {
    const some = names.slice(part * NAMES, (part + 1) * NAMES);
    return { k: "packages", svc, spec: { manager, names: some, ...(part > 0 && { part }) } };
  });
}

/** Roots in one line of the journal: a service's name has at most 73 characters. */
const ROOTS = 30;

/** Entries that open a run. */
export function openEntries(bundle: string, spec: RunSpec): Entry[] {
  const parts = Math.max(1, Math.ceil(spec.roots.length / ROOTS));
  return Array.from({ length: parts }, (_, part): Entry => {
    const roots = spec.roots.slice(part * ROOTS, (part + 1) * ROOTS);
    return { k: "open", bundle, spec: { ...spec, roots }, ...(part > 0 && { part }) };
  });
}
