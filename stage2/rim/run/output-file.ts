import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { OUTPUT_LIMIT } from "../../execute/outputs.ts";
import { secretForms } from "../../execute/redact.ts";
import type { StepId } from "../../types/plan.ts";
import { fileName } from "../paths.ts";
import { OWN_UID, type User } from "../users.ts";
import type { RunContext } from "./context.ts";

/** `$BOOTLACE_OUTPUT`. Scripts of root make it themselves; for others it has to be there, and theirs. */
export function prepareOutput(context: RunContext, step: StepId, user: User): string {
  const file = join(context.paths.volatile, "out", context.run, fileName(step));
  // What a killed try of the same run wrote is not this try's.
  if (isThere(file)) rmSync(file, { recursive: true });
  if (user.uid === OWN_UID) return file;
  writeFileSync(file, "", { mode: 0o600, flag: "wx" });
  chownSync(file, user.uid, user.gid);
  return file;
}

export type TakenOutput = { readonly text: string } | { readonly problem: string };

/**
 * Reads what a script wrote and removes it. Outputs go into the journal and to other services: a secret may not be in
 * them, and what is no plain file of a bounded size is not read.
 */
export function takeOutput(file: string, secrets: readonly Uint8Array[]): TakenOutput {
  if (!isThere(file)) return { text: "" };
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    rmSync(file, { recursive: true, force: true });
    return { problem: "its output file is not a plain file" };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { problem: "its output file is not a plain file" };
    if (stat.size > OUTPUT_LIMIT) return { problem: `its outputs are over ${OUTPUT_LIMIT / 1024} KiB` };
    const bytes = Buffer.alloc(stat.size);
    const text = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    const latin1 = text.toString("latin1");
    if (secrets.flatMap(secretForms).some((form) => latin1.includes(form))) {
      return { problem: "its outputs hold a secret, and would be journalled" };
    }
    return { text: text.toString("utf8") };
  } finally {
    closeSync(fd);
    rmSync(file, { recursive: true, force: true });
  }
}

/** Most scripts write no outputs: asking costs less than the error of opening what is not there. */
const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;
