/**
 * Text that a machine or a script gave, safe for a terminal: control characters (C0 and C1 of ECMA-48, DEL) are written
 * out as `\x1b`, line ends and tabs stay. What is printable already does not change.
 */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
