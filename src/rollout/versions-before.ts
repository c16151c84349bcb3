import { BootlaceError } from "../../stage2/index.ts";
import { type Goal, standText } from "./goal.ts";
import { readNote } from "./version-note.ts";

/** What template versions and a parameter's values have in common. */
export interface Version {
  readonly number: number;
  readonly description: string | undefined;
}

/**
 * What a rollback goes to: the version of that number, else the one that stood before the present one by its
 * description, else the next lower number.
 *
 * @param all newest first.
 * @param at what names the region in a printed command.
 * @throws {BootlaceError} `E_ROLLBACK` where there is none.
 */
export function versionBefore<T extends Version>(
  all: readonly T[],
  current: number,
  wanted: number | undefined,
  goal: Goal,
  at: string,
): T {
  const listed = `bootlace rollback ${standText(goal)} --list${at} shows what it has.`;
  const after = readNote(all.find(({ number }) => number === current)?.description)?.after;
  const found =
    wanted === undefined
      ? (all.find(({ number }) => number === after) ?? all.find(({ number }) => number < current))
      : all.find(({ number }) => number === wanted);
  if (found && found.number !== current) return found;
  if (found)
    throw new BootlaceError("E_ROLLBACK", `${standText(goal)} has version ${wanted} already`, { hint: listed });
  if (wanted !== undefined)
    throw new BootlaceError("E_ROLLBACK", `${standText(goal)} has no version ${wanted}`, { hint: listed });
  throw new BootlaceError("E_ROLLBACK", `${standText(goal)} has nothing before version ${current}`, {
    hint: `Roll out the image that you want: bootlace rollout IMAGE ${goal.kind}:${goal.name}${at}`,
  });
}
