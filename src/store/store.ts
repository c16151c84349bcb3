/** What stands in a store, docs/store.md. */
export type BlobKind = "bundles" | "runtimes" | "artifacts";

/** An immutable blob, named by its digest. */
export interface BlobRef {
  readonly kind: BlobKind;
  /** SHA-256, hex. */
  readonly digest: string;
  readonly bytes: number;
}

/** A blob at the desk. */
export interface LocalBlob extends BlobRef {
  /** Absolute path. */
  readonly file: string;
}

/** Where bundles, runtimes, artifacts and channels live. One file per kind of store implements it. */
export interface Store {
  /** As people know it. */
  readonly url: string;
  /** True when the whole blob is there. */
  has(blob: BlobRef): Promise<boolean>;
  /** Uploads one blob unless it is there; visible only when whole. `onBytes` is told how much is sent so far. */
  put(blob: LocalBlob, onBytes?: (sent: number) => void): Promise<"sent" | "there">;
  /** All bytes of a blob, checked against its digest; undefined when it is not there. */
  get(blob: BlobRef): Promise<Buffer | undefined>;
  /** The text of a channel's pointer, undefined for a channel that nobody published to. */
  readChannel(name: string): Promise<string | undefined>;
  /**
   * Makes `next` the channel's pointer if it still is `expected` (undefined: no channel yet). Exactly one of two
   * publishers who saw the same pointer succeeds.
   *
   * @throws {BootlaceError} `E_CHANNEL_MOVED`, naming the move that won.
   */
  moveChannel(name: string, next: string, expected: string | undefined): Promise<void>;
  /**
   * Every pointer that ever stood there, the present one included, the newest first; at most `limit` of them. A store
   * that can only be read knows the present one.
   */
  history(name: string, limit?: number): Promise<readonly string[]>;
  /** Finishes a move that a publisher who was killed left half done, so that machines see it. Stores that can have one only. */
  settle?(name: string): Promise<void>;
  /** What machines wrote of a deployment, by machine; undefined where this kind of store cannot tell. */
  results?(deployment: string): Promise<ReadonlyMap<string, string>>;
  /** A URL that anybody may read one object with, for so many seconds. Stores in S3 only. */
  presign?(key: string, seconds: number): Promise<string>;
}

/** `bundles/<sha256>.tar.gz`, `artifacts/<sha256>`. */
export function blobKey({ kind, digest }: Pick<BlobRef, "kind" | "digest">): string {
  return kind === "artifacts" ? `${kind}/${digest}` : `${kind}/${digest}.tar.gz`;
}
