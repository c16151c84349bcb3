import { decodeRecord, encodeRecord, type ForeignRecord, isKnown, type JournalRecord } from "./record.ts";

export interface Repair {
  /** The journal as it would be. */
  readonly journal: string;
  /** What is kept and what is lost, for people. */
  readonly lines: readonly string[];
}

/**
 * Plans the repair of a damaged journal: every line that can still be read is kept, also behind the damage, and
 * numbered anew. A lost line may have been the outcome of an init; that init then runs again, which is said.
 */
export function planRepair(bytes: Uint8Array): Repair {
  const lines = new TextDecoder().decode(bytes).replace(/\0+$/, "").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const kept: (JournalRecord | ForeignRecord)[] = [];
  const lost: number[] = [];
  for (const [index, line] of lines.entries()) {
    const decoded = decodeRecord(line);
    if (decoded.ok) kept.push(decoded.record);
    else lost.push(index + 1);
  }
  const renumbered = kept.map((record, index) => {
    const { b: _, ...rest } = record;
    return { ...rest, n: index + 1 };
  });
  const inits = new Set(
    renumbered.flatMap((record) =>
      isKnown(record) && record.k === "done" && record.phase === "init" ? [record.svc] : [],
    ),
  );
  const begun = new Set(
    renumbered.flatMap((record) =>
      isKnown(record) && record.k === "start" && record.phase === "init" ? [record.svc] : [],
    ),
  );
  const unsure = [...begun].filter((name) => !inits.has(name));
  return {
    journal: renumbered.map(encodeRecord).join(""),
    lines: [
      `${kept.length} lines can be read and are kept, ${lost.length} cannot: line ${lost.join(", ")}`,
      `Inits that stay done: ${[...inits].join(", ") || "none"}`,
      ...(unsure.length > 0
        ? [`Begun, with no outcome that can be read, so they would run again: ${unsure.join(", ")}`]
        : []),
      "An init whose lines are all lost would run again as if new; take one that you know is done over with --assume-init",
    ],
  };
}
