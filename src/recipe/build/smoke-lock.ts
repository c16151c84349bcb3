import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deskStep } from "../../machine/desk-step.ts";
import { type FileLock, takeFileLock } from "../../machine/file-lock.ts";
import type { StepTools } from "../recipe.ts";

/**
 * Waits until no other smoke test of the project runs on this computer: its machines share the computer's ports. Waiting
 * is told as a step of its own.
 *
 * @param of for the events: `image web`.
 * @throws {BootlaceError} `E_DESK_LOCK`; an AbortError when it was interrupted.
 */
export async function lockSmoke(dir: string, of: string, { signal, report }: StepTools): Promise<FileLock> {
  const file = join(dir, ".bootlace", "smoke.lock");
  const lock = (await takeFileLock(file, { wait: false, signal })) ?? (await wait());
  await writeFile(file, `${of}, process ${process.pid}\n`);
  return lock;

  async function wait(): Promise<FileLock> {
    const detail = (await readFile(file, "utf8")).trim();
    const lock = await deskStep(report, { step: "wait for another smoke test", of, detail }, () =>
      takeFileLock(file, { wait: true, signal }),
    );
    if (!lock) throw new Error(`${file} was neither taken nor waited for`);
    return lock;
  }
}
