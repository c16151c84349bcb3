import { BootlaceError } from "../../../stage2/index.ts";
import { type ImageRecord, imageName } from "../image-record.ts";

type Named = Pick<ImageRecord, "name" | "id">;

export const recordTaken = (record: Named, place: string): BootlaceError =>
  new BootlaceError("E_RECORD_TAKEN", `${imageName(record)} has a record in ${place} already`, {
    hint: "Another desk wrote it. `bootlace image show` tells which.",
  });

export const recordChanged = (record: Named, place: string): BootlaceError =>
  new BootlaceError("E_RECORD_CHANGED", `The record of ${imageName(record)} in ${place} was changed meanwhile`, {
    hint: "Another desk did: look at it with `bootlace image show`, then run the command again.",
  });
