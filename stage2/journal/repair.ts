import { BootlaceError } from "../errors/bootlace-error.ts";
import { foldJournal } from "./fold.ts";
import { decodeRecord, encodeRecord, type ForeignRecord, type JournalRecord } from "./record.ts";

export interface Repair {
  /** The journal as it would be. */
  readonly journal: string;
  /** What is kept and what is lost, for people. */
  readonly lines: readonly string[];
}

/**
 * Plans the repair of a damaged journal: every line that can still be read is kept, also behind the damage, and
 * numbered anew. One that is missing or empty is begun anew. A lost line may have been the outcome of an init; that init
 * then runs again, which is said.
 *
 * @throws {BootlaceError} `E_JOURNAL_VERSION` where a newer Bootlace wrote a line: it is not ours to drop.
 */
export function planRepair(bytes: Uint8Array): Repair {
  const lines = new TextDecoder().decode(bytes).replace(/\0+$/, "").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const kept: (JournalRecord | ForeignRecord)[] = [];
  const lost: number[] = [];
  for (const [index, line] of lines.entries()) {
    const decoded = decodeRecord(line);
    if (decoded.ok) kept.push(decoded.record);
    else if (decoded.newer) throw new BootlaceError("E_JOURNAL_VERSION", `Line ${index + 1}: ${decoded.why}`);
    else lost.push(index + 1);
  }
  const renumbered = kept.map((record, index) => {
    const { b: _, ...rest } = record;
    return { ...rest, n: index + 1 };
  });
  const { services } = foldJournal(renumbered);
  const inits = [...services].filter(([, { inited, phases }]) => inited !== undefined && phases.init?.is === "done");
  const unsure = [...services].filter(
    ([name, { phases }]) => phases.init !== undefined && !inits.some(([done]) => done === name),
  );
  return {
    journal: renumbered.map(encodeRecord).join(""),
    lines: [
      `${kept.length} lines can be read and are kept, ${lost.length} cannot: line ${lost.join(", ")}`,
      `Inits that stay done: ${inits.map(([name]) => name).join(", ") || "none"}`,
      ...(unsure.length > 0
        ? [
            `Begun or failed last, as far as it can be read, so they would run again: ${unsure.map(([name]) => name).join(", ")}`,
          ]
        : []),
      "An init whose lines are all lost would run again as if new; take one that you know is done over with --assume-init",
    ],
  };
}
