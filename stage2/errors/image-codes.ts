import { type CodeRow, row } from "./code-row.ts";
import { EXIT } from "./exit.ts";

/** Images' records, and what is done with images that are there. */
export const IMAGE_CODES = {
  E_RECORD_TAKEN: row(
    EXIT.machine,
    "An image that is to be recorded has a record already.",
    "Look at it with `bootlace image show NAME/ID`; another desk wrote it.",
  ),
  E_RECORD_CHANGED: row(
    EXIT.machine,
    "Another desk changed the record of an image at the same time.",
    "Look at it with `bootlace image show NAME/ID`, then run the command again.",
  ),
  E_RECORDS: row(
    EXIT.machine,
    "The table with the records of images is not there, is another kind of table, or refuses a request.",
    "Make it with `bootlace setup`, or fix `records:` in bootlace.yaml.",
  ),
  E_IMAGE_STATE: row(
    EXIT.usage,
    "An image is in a state that does not allow what was asked for.",
    "`bootlace image show NAME/ID` tells its state, and why.",
  ),
  E_IMAGE_ELSEWHERE: row(
    EXIT.machine,
    "The files of an image lie at another computer.",
    "Build it here, or bring the folder that is named to this computer.",
  ),
  E_IMAGE_IN_USE: row(
    EXIT.machine,
    "Something stands on an image that is to be removed.",
    "Remove or replace first what is named; `bootlace image ls` shows what stands on what.",
  ),
  E_SETUP: row(
    EXIT.machine,
    "The table or the bucket could not be made as it should be.",
    "Do what the message names; `bootlace setup` goes on where it ended.",
  ),
} as const satisfies Record<string, CodeRow>;
