import { isAbsolute, join } from "node:path";
import { styleText } from "node:util";
import { type Fault, type Place, printable } from "../../stage2/index.ts";

export interface PrintOptions {
  readonly colour: boolean;
  /** Put before relative file names, so that a terminal can open them: the way from the working folder to the project. */
  readonly prefix?: string;
}

type Style = Parameters<typeof styleText>[0];

/**
 * Faults as text for people, in the order given, an empty line between two: `file:line:column severity CODE: message`,
 * the source line, a caret with the suggestion, and the second place.
 */
export function printFaults(faults: readonly Fault[], options: PrintOptions): string {
  return faults.map((fault) => printFault(fault, options)).join("\n");
}

/** `true` where colour is wanted: a terminal, and neither NO_COLOR (no-color.org) nor TERM=dumb says otherwise. */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

function printFault(fault: Fault, options: PrintOptions): string {
  const paint = (style: Style, text: string): string =>
    options.colour ? styleText(style, text, { validateStream: false }) : text;
  const severity = paint(fault.severity === "error" ? "red" : "yellow", `${fault.severity} ${fault.code}`);
  const where = fault.place ? `${paint("bold", position(fault.place, options))} ` : "";
  let text = `${where}${severity}: ${printable(fault.message)}\n`;
  if (fault.place?.source !== undefined) {
    text += excerpt(fault.place, fault.place.source, fault.suggestion, paint);
  } else if (fault.suggestion) {
    text += `  ${fault.suggestion}\n`;
  }
  if (fault.related) {
    const { message, place } = fault.related;
    text += `  ${paint("bold", position(place, options))} ${printable(message)}\n`;
    if (place.source !== undefined) text += excerpt(place, place.source, undefined, paint);
  }
  return text;
}

function position(place: Place, { prefix }: PrintOptions): string {
  const file = prefix && !isAbsolute(place.file) ? join(prefix, place.file) : place.file;
  return `${printable(file)}:${place.line}:${place.column}`;
}

const WIDEST = 160;

function excerpt(
  place: Place,
  source: string,
  suggestion: string | undefined,
  paint: (style: Style, text: string) => string,
): string {
  const number = `  ${place.line} | `;
  // A long line is cut around the place, so that the caret stays in sight.
  const from = place.column > WIDEST - 40 ? place.column - 60 : 0;
  const shown = printable(source.slice(from, from + WIDEST));
  const before = source.slice(from, Math.max(from, place.column - 1)).replace(/[^\t]/g, " ");
  const room = Math.max(1, from + WIDEST - place.column);
  const length = Math.min(place.length ?? 1, Math.max(1, source.length - place.column + 1), room);
  const gutter = `${" ".repeat(number.length - 2)}| `;
  const caret = paint("cyan", "^".repeat(length) + (suggestion ? ` ${suggestion}` : ""));
  return `${paint("dim", number)}${shown}\n${paint("dim", gutter)}${before}${caret}\n`;
}
