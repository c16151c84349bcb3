import { BootlaceError } from "../../stage2/index.ts";
import { artifactFile } from "../artifacts/artifact-file.ts";
import type { Fetching } from "../artifacts/fetching.ts";
import { type Bundle, packBundle } from "../bundle/pack.ts";
import type { ArtifactSource, LoadedProject } from "../project/loaded.ts";
import { obtainRuntime } from "../runtime/obtain-runtime.ts";
import { type PinnedRuntime, pinnedRuntime } from "../runtime/pinned.ts";
import { inParallel } from "../store/in-parallel.ts";
import { type BlobRef, blobKey, type Store } from "../store/store.ts";
import { bundleText } from "./bundle-text.ts";
import type { Pointer, PointerBlob } from "./pointer.ts";
import { wantedRuntimes } from "./wanted-runtimes.ts";

/** A blob that a channel needs, and how the desk gets it; asked for only when the store lacks it. */
export interface Wanted {
  readonly blob: BlobRef;
  readonly file: (fetching?: Fetching) => Promise<string>;
}

/** What a pointer points to, with all blobs that stand behind it. */
export interface Payload {
  readonly bundle: PointerBlob;
  /** By platform; empty where machines use their own Node. */
  readonly runtimes: Readonly<Record<string, PointerBlob>>;
  readonly blobs: readonly Wanted[];
}

export interface PackedInput {
  readonly bundle: Bundle;
  readonly runtimes: readonly { readonly pinned: PinnedRuntime; readonly file: () => Promise<string> }[];
  readonly artifacts: readonly ArtifactSource[];
}

/** Packs a project: its bundle, the runtimes of its machines, its artifacts. */
export async function projectPayload(loaded: LoadedProject): Promise<Payload> {
  const runtimes = wantedRuntimes(loaded.config).map((arch) => ({
    pinned: pinnedRuntime(arch),
    file: async () => (await obtainRuntime(arch)).file,
  }));
  return packedPayload({ bundle: await packBundle(loaded), runtimes, artifacts: loaded.artifacts });
}

/** The payload of what is packed already. */
export function packedPayload({ bundle, runtimes, artifacts }: PackedInput): Payload {
  const { digest, bytes, unpackedBytes } = bundle;
  return {
    bundle: { digest, bytes, unpackedBytes },
    runtimes: Object.fromEntries(runtimes.map(({ pinned }) => [pinned.platform, pinned.packed])),
    blobs: [
      ...artifacts.map((artifact) => ({
        blob: { kind: "artifacts", digest: artifact.digest, bytes: artifact.bytes } as const,
        file: (fetching?: Fetching) => artifactFile(artifact, fetching),
      })),
      ...runtimes.map(({ pinned, file }) => ({
        blob: { kind: "runtimes", digest: pinned.packed.digest, bytes: pinned.packed.bytes } as const,
        file,
      })),
      { blob: { kind: "bundles", digest, bytes } as const, file: async () => bundle.file },
    ],
  };
}

/**
 * The payload of a pointer that was published before: nothing is packed, and all of it must be in the store.
 *
 * @throws {BootlaceError} `E_BLOB_GONE`, naming every blob that the store lacks; `E_ARCHIVE` for a bundle that is none.
 */
export async function publishedPayload(store: Store, { bundle, runtimes }: Pointer): Promise<Payload> {
  const named: BlobRef[] = [
    ...Object.values(runtimes).map(({ digest, bytes }) => ({ kind: "runtimes", digest, bytes }) as const),
    { kind: "bundles", digest: bundle.digest, bytes: bundle.bytes },
  ];
  const packed = await store.get({ kind: "bundles", ...bundle });
  const blobs = [...(packed ? await artifactsIn(packed, bundle.unpackedBytes) : []), ...named];
  const there = await inParallel(8, blobs, (blob) => store.has(blob));
  const gone = blobs.filter((_, at) => !there[at]);
  if (gone.length > 0) {
    throw new BootlaceError("E_BLOB_GONE", `${store.url} has no longer: ${gone.map(blobKey).join(", ")}`, {
      hint: "Take that version of the project from version control and deploy it.",
    });
  }
  const file = async (): Promise<never> => {
    throw new BootlaceError("E_BLOB_GONE", `${store.url} lost a blob while the command ran`);
  };
  return { bundle, runtimes, blobs: blobs.map((blob) => ({ blob, file })) };
}

/** The blobs of a bundle's `artifacts.list`, docs/bundle.md, each once. */
async function artifactsIn(packed: Buffer, unpackedBytes: number): Promise<readonly BlobRef[]> {
  const listed = (await bundleText(packed, unpackedBytes, "artifacts.list")) ?? "";
  const refs = new Map<string, BlobRef>();
  const lines = listed === "" ? [] : listed.replace(/\n$/, "").split("\n");
  for (const [index, line] of lines.entries()) {
    const [, digest = "", bytes] = /^([0-9a-f]{64}) (0|[1-9]\d{0,14}) \S+$/.exec(line) ?? [];
    if (digest === "") {
      const expected = "expected <sha256> <bytes> <arch>";
      throw new BootlaceError("E_ARCHIVE", `Line ${index + 1} of the bundle's artifacts.list is wrong: ${expected}`);
    }
    refs.set(digest, { kind: "artifacts", digest, bytes: Number(bytes) });
  }
  return [...refs.values()];
}
