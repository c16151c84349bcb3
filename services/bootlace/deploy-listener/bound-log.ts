import { copyFileSync, existsSync, statSync, truncateSync } from "node:fs";

/** Above this a log begins anew, bytes; the one before it is kept beside it, as `.old`. */
const MOST_BYTES = 1_048_576;

/** Bounds a log that processes hold open to append: it is emptied, not renamed. */
export function boundLog(file: string): void {
  if (!existsSync(file) || statSync(file).size <= MOST_BYTES) return;
  copyFileSync(file, `${file}.old`);
  truncateSync(file);
}
