import { BootlaceError } from "../../stage2/index.ts";

/** Where a machine keeps its journal. */
export const JOURNAL = "/var/lib/bootlace/journal";

/**
 * An image must not carry a run that is half done: every machine made from it would take it up.
 *
 * @param journal the text of its journal; empty where there is none.
 * @throws {BootlaceError} `E_CAPTURE_RUN_OPEN`.
 */
export function assertNoOpenRun(journal: string, machine: string): void {
  let open: string | undefined;
  for (const line of journal.split("\n")) {
    const record = parseLine(line);
    if (record?.k === "open") open = record.run ?? "unknown";
    if (record?.k === "close" || record?.k === "checkpoint") open = undefined;
  }
  if (open !== undefined)
    throw new BootlaceError("E_CAPTURE_RUN_OPEN", `Machine ${machine}: run ${open} is open in its journal`, {
      hint: `Let it end: bootlace up ${machine}`,
    });
}

function parseLine(line: string): { readonly k?: string; readonly run?: string } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    // A torn tail is the runner's business.
    return undefined;
  }
}
