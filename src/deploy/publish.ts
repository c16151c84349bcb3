import { hostname, userInfo } from "node:os";
import { artifactFile } from "../artifacts/artifact-file.ts";
import type { Bundle } from "../bundle/pack.ts";
import type { ArtifactSource } from "../project/loaded.ts";
import type { PinnedRuntime } from "../runtime/pinned.ts";
import { type BlobRef, blobKey, type LocalBlob, type Store } from "../store/store.ts";
import { encodePointer, type Pointer, parsePointer } from "./pointer.ts";

/** One blob that a channel needs, and where the desk has it; asked for the file only when the store lacks it. */
interface Upload {
  readonly blob: BlobRef;
  readonly there: boolean;
  readonly file: () => Promise<string>;
}

export interface PublishInput {
  readonly store: Store;
  readonly channel: string;
  readonly project: string;
  readonly bundle: Bundle;
  /** Empty where machines use their own Node. */
  readonly runtimes: readonly { readonly pinned: PinnedRuntime; readonly file: () => Promise<string> }[];
  readonly artifacts: readonly ArtifactSource[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What a publication would do; made by {@link planPublish}, done by {@link publish}. */
export interface PublishPlan {
  readonly store: Store;
  readonly uploads: readonly Upload[];
  readonly next: Pointer;
  /** The pointer that stands now, text and value. */
  readonly current: { readonly text: string; readonly pointer: Pointer } | undefined;
  /** False when the channel points to the same bundle and runtimes already. */
  readonly moves: boolean;
}

/** Looks at the store and says what is missing and what the channel's next pointer is. Changes nothing. */
export async function planPublish(input: PublishInput): Promise<PublishPlan> {
  const { store, channel, project, bundle, runtimes, artifacts, now } = input;
  const text = await store.readChannel(channel);
  const current = text === undefined ? undefined : { text, pointer: parsePointer(text) };
  const created = Math.floor(now / 1000);
  const next: Pointer = {
    project,
    channel,
    epoch: current?.pointer.epoch ?? 1,
    serial: (current?.pointer.serial ?? 0) + 1,
    // A desk whose clock is behind must not make a pointer that looks older than the last one.
    created: Math.max(created, current?.pointer.created ?? 0),
    bundle: { digest: bundle.digest, bytes: bundle.bytes, unpackedBytes: bundle.unpackedBytes },
    runtimes: Object.fromEntries(runtimes.map(({ pinned }) => [pinned.platform, pinned.packed])),
    by: `${userInfo().username}@${hostname()}`,
  };
  const wanted: Omit<Upload, "there">[] = [
    ...artifacts.map((artifact) => ({
      blob: { kind: "artifacts", digest: artifact.digest, bytes: artifact.bytes } as const,
      file: () => artifactFile(artifact),
    })),
    ...runtimes.map(({ pinned, file }) => ({
      blob: { kind: "runtimes", digest: pinned.packed.digest, bytes: pinned.packed.bytes } as const,
      file,
    })),
    {
      blob: { kind: "bundles", digest: bundle.digest, bytes: bundle.bytes } as const,
      file: async () => bundle.file,
    },
  ];
  const uploads = await Promise.all(wanted.map(async (upload) => ({ ...upload, there: await store.has(upload.blob) })));
  return { store, uploads, next, current, moves: !(current && samePayload(current.pointer, next)) };
}

/**
 * Uploads what is missing, then moves the channel: whoever sees the new pointer finds all that it names.
 *
 * @param onUpload Called before each blob that is sent.
 * @throws {BootlaceError} `E_CHANNEL_MOVED` when somebody else published after the plan was made.
 */
export async function publish(plan: PublishPlan, onUpload: (blob: BlobRef) => void = () => {}): Promise<void> {
  for (const { blob, there, file } of plan.uploads) {
    if (there) continue;
    onUpload(blob);
    const local: LocalBlob = { ...blob, file: await file() };
    await plan.store.put(local);
  }
  if (plan.moves) await plan.store.moveChannel(plan.next.channel, encodePointer(plan.next), plan.current?.text);
}

/** The blobs of a plan as `--plan` and `--json` show them. */
export function uploadRows(plan: PublishPlan): readonly { key: string; bytes: number; there: boolean }[] {
  return plan.uploads.map(({ blob, there }) => ({ key: blobKey(blob), bytes: blob.bytes, there }));
}

function samePayload(a: Pointer, b: Pointer): boolean {
  const text = (pointer: Pointer): string =>
    encodePointer({ ...b, bundle: pointer.bundle, runtimes: pointer.runtimes, project: pointer.project });
  return text(a) === text(b);
}
