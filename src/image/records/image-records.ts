import type { ImageRecord } from "../image-record.ts";

/** What may be changed of a record; the rest is as it was built. */
export type RecordChanges = Partial<
  Pick<
    ImageRecord,
    | "state"
    | "reason"
    | "logs"
    | "times"
    | "packages"
    | "inventory"
    | "origin"
    | "layers"
    | "bytes"
    | "copies"
    | "tags"
    | "desk"
    | "created"
  >
>;

/**
 * Records of a project's images, wherever they lie. Nothing is ever removed: what became of an image is its state. Two
 * desks lose none of each other's writes, because a change names the revision that it was made from.
 */
export interface ImageRecords {
  /** For messages: `.bootlace/images`, `the table boot in eu-west-1`. */
  readonly place: string;
  /** Several desks write here, and local files of an image may lie at another one. */
  readonly shared: boolean;
  /** @throws {BootlaceError} `E_RECORD_TAKEN` where the image has a record already. */
  add(record: ImageRecord): Promise<void>;
  /**
   * Changes a record, and answers the new one.
   *
   * @param seen as it was read.
   * @throws {BootlaceError} `E_RECORD_CHANGED` when it has been changed since, or is not there.
   */
  change(seen: ImageRecord, changes: RecordChanges): Promise<ImageRecord>;
  get(name: string, id: string): Promise<ImageRecord | undefined>;
  /** Of one name, the newest first. */
  named(name: string): Promise<readonly ImageRecord[]>;
  /** All of the project, by name, the newest first. */
  all(): Promise<readonly ImageRecord[]>;
  /** Of one line, the newest first. @param root `NAME/ID` of its first image. */
  line(root: string): Promise<readonly ImageRecord[]>;
}
