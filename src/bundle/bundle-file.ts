/** One file of a bundle: where it stands in there and where its bytes come from. */
export interface BundleFile {
  /** Path in the bundle, `/`-separated, relative: `services/web/update.sh`. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: { readonly bytes: Uint8Array } | { /** Absolute path at the desk. */ readonly file: string };
}
