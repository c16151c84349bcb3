import { isReservedVariable, outputPrefix } from "../plan/variables.ts";

/** Bytes that a phase may hand to its dependents. */
export const OUTPUT_LIMIT = 64 * 1024;

export type ParsedOutputs =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly why: string };

/** Letters that a name may have. */
const NAME_LIMIT = 200;

/** Reads what a script wrote to `$BOOTLACE_OUTPUT`: `[A-Z][A-Z0-9_]*=` one line each, empty lines allowed. */
export function parseOutputs(service: string, text: string): ParsedOutputs {
  const values = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
    const [, name, value] = match ?? [];
    if (name === undefined || value === undefined) {
      // The line itself is not shown: it may hold anything.
      return { ok: false, why: `line ${index + 1} of its outputs is not KEY=value, with KEY in capitals` };
    }
    if (name.length > NAME_LIMIT) return { ok: false, why: `the name in line ${index + 1} of its outputs is too long` };
    if (isReservedVariable(`${outputPrefix(service)}${name}`)) {
      return { ok: false, why: `its output ${name} would become ${outputPrefix(service)}${name}, which is reserved` };
    }
    if (value.includes("\0")) return { ok: false, why: `its output ${name} holds a NUL byte` };
    values.set(name, value);
  }
  return { ok: true, values };
}
