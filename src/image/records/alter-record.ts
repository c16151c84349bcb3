import { BootlaceError } from "../../../stage2/index.ts";
import { type ImageRecord, type ImageState, imageName } from "../image-record.ts";
import type { ImageRecords, RecordChanges } from "./image-records.ts";

/** Which state an image may go to. A failed smoke test may be tried again; what is gone stays gone. */
const NEXT: Readonly<Record<ImageState, readonly ImageState[]>> = {
  building: ["building", "good", "quarantined", "gone"],
  quarantined: ["building", "quarantined", "good", "gone"],
  good: ["good", "deprecated", "gone"],
  deprecated: ["deprecated", "good", "gone"],
  gone: ["gone"],
};

/** How often a change is tried when others change the same record. */
const ATTEMPTS = 8;

/**
 * Changes a record by what it is now; where another desk was faster, by what that one left.
 *
 * @param decide answers undefined where nothing is to be changed.
 * @throws {BootlaceError} `E_IMAGE_UNKNOWN`, `E_IMAGE_STATE` for a state that the image cannot go to, `E_RECORD_CHANGED`.
 */
export async function alterRecord(
  records: ImageRecords,
  { name, id }: Pick<ImageRecord, "name" | "id">,
  decide: (now: ImageRecord) => RecordChanges | undefined,
): Promise<ImageRecord> {
  for (let attempt = 1; ; attempt++) {
    const now = await records.get(name, id);
    if (!now)
      throw new BootlaceError("E_IMAGE_UNKNOWN", `${imageName({ name, id })} has no record in ${records.place}`);
    const changes = decide(now);
    if (!changes) return now;
    assertState(now, changes.state ?? now.state);
    try {
      return await records.change(now, changes);
    } catch (error) {
      const lost = error instanceof BootlaceError && error.code === "E_RECORD_CHANGED";
      if (!lost || attempt === ATTEMPTS) throw error;
    }
  }
}

function assertState(now: ImageRecord, state: ImageState): void {
  if (NEXT[now.state].includes(state)) return;
  throw new BootlaceError("E_IMAGE_STATE", `${imageName(now)} is ${now.state}, and cannot become ${state}`);
}
