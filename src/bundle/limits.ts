/** What a bundle may hold at most. stage1 holds the same bounds against whatever a store sends. */
export const LIMITS = {
  /** Files and folders together. */
  entries: 20_000,
  /** Bytes of the tar stream, which is what a machine unpacks. */
  unpackedBytes: 256 * 1024 * 1024,
  /** Bytes of one path: the ustar header splits it in 155 and 100, so deeper ones can be shorter. */
  pathBytes: 255,
} as const;
