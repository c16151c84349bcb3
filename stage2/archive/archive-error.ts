/** What an archive is or holds that is never unpacked. The message is a whole sentence without its end. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

/** A name as a message may show it: no control character reaches a terminal or a log. */
export function shownName(name: string): string {
  const short = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  const escaped = JSON.stringify(short);
  return escaped.replace(/[\u007f-\u009f]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`);
}
