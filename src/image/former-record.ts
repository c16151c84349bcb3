import { type ImageRecord, imageName } from "./image-record.ts";

/** The record of 0.2.0. */
type Second = Omit<
  ImageRecord,
  | "format"
  | "revision"
  | "state"
  | "provenance"
  | "times"
  | "base"
  | "lineage"
  | "params"
  | "secrets"
  | "builder"
  | "copies"
  | "tags"
> & { readonly format: 2 };

/** The record of 0.1.0, when sandboxes were all there was. */
type First = Omit<Second, "format" | "origin"> & {
  readonly format: 1;
  readonly root: string;
  readonly rootState: string;
};

/** A record as it may lie in a folder. */
export type StoredRecord = ImageRecord | Second | First;

/**
 * A record of any version as one of this. Former ones stand for good images only, since nothing else had a record.
 *
 * @param parentOf answers the record of the image that another one was made from, whose line it goes on.
 */
export async function presentRecord(
  stored: StoredRecord,
  parentOf: (parent: NonNullable<ImageRecord["parent"]>) => Promise<ImageRecord | undefined>,
): Promise<ImageRecord> {
  if (stored.format === 3) return stored;
  const { parent } = stored;
  const above = parent && (await parentOf(parent));
  const made = stored.format === 1 ? withOrigin(stored) : stored;
  return {
    ...made,
    format: 3,
    revision: 0,
    state: "good",
    provenance: "built",
    times: { proven: made.created },
    base: parent ? imageName(parent) : String(made.keyParts.base ?? ""),
    lineage: above?.lineage ?? imageName(parent ?? made),
    params: {},
    secrets: [],
    builder: "",
    copies: [],
    tags: {},
  };
}

function withOrigin({ root, rootState, ...rest }: First): Second {
  return { ...rest, format: 2, origin: { root, rootState } };
}
