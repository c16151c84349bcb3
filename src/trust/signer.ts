/** Something that signs with the private half of a trusted key. */
export interface Signer {
  /** Id of the key, as `sig` lines name it. */
  readonly id: string;
  /** The Ed25519 signature (RFC 8032, pure), 64 bytes. */
  sign(body: Buffer): Promise<Buffer>;
}
