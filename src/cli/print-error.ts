import { relative } from "node:path";
import { BootlaceError, CODES, printable } from "../../stage2/index.ts";
import { printFaults, wantsColour } from "./print-faults.ts";

interface ErrorView {
  readonly json: boolean;
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** The project folder; file names of faults are relative to it. */
  readonly dir: string;
  readonly cwd: string;
}

/** Tells a failure to a person, or to a program with `--json` (one line). Whatever is not a BootlaceError is a bug. */
export function printError(error: unknown, view: ErrorView): void {
  const told = error instanceof BootlaceError ? error : undefined;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const code = told?.code ?? "E_INTERNAL";
  const message = told?.message ?? (error instanceof Error ? error.message : String(error));
  if (view.json) {
    const { hint, place, faults } = told ?? {};
    const body = { code, message, hint, place, faults, ...(told ? {} : { stack }) };
    view.stderr.write(`${JSON.stringify({ error: body })}\n`);
    return;
  }
  const colour = wantsColour(view.stderr);
  const prefix = relative(view.cwd, view.dir);
  const print = (faults: BootlaceError["faults"]): string => printFaults(faults, { colour, prefix });
  if (!told) {
    const { means, remedy } = CODES.E_INTERNAL;
    view.stderr.write(`error E_INTERNAL: ${means} ${remedy}\n${stack}\n`);
    return;
  }
  if (told.faults.length > 0) view.stderr.write(`${print(told.faults)}\n`);
  view.stderr.write(print([{ code, severity: "error", message, ...(told.place ? { place: told.place } : {}) }]));
  view.stderr.write(`  ${printable(told.hint ?? CODES[code].remedy)}\n`);
}
