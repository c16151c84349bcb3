import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { constants, createGzip } from "node:zlib";
import { artifactFile } from "../artifacts/artifact-file.ts";
import { artifactLines } from "../bundle/artifacts-list.ts";
import { stage1Files } from "../bundle/bundle-files.ts";
import type { Bundle } from "../bundle/pack.ts";
import { padding, TAR_END, tarHeader } from "../bundle/tar-header.ts";
import type { ArtifactSource, LoadedProject } from "../project/loaded.ts";
import type { Runtime } from "../runtime/obtain-runtime.ts";
import { inParallel } from "../store/in-parallel.ts";
import { type BlobRef, blobKey, type LocalBlob } from "../store/store.ts";
import { bootConfText, DELIVERY_FOLDER } from "./boot-conf.ts";
import { encodePointer } from "./pointer.ts";

export interface DeliveryInput {
  readonly loaded: Pick<LoadedProject, "project" | "artifacts">;
  readonly bundle: Bundle;
  readonly runtime: Runtime | "system";
  readonly channel: string;
  /** Digests that the machine has under /var/lib/bootlace already; they are not sent. */
  readonly has: {
    readonly bundles: ReadonlySet<string>;
    readonly runtimes: ReadonlySet<string>;
    readonly artifacts: ReadonlySet<string>;
  };
  /** Of the machine, as services name it: sends only artifacts that it can use. Without it, all. */
  readonly arch?: "x86_64" | "arm64";
}

interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly bytes: number;
  readonly content: Uint8Array | LocalBlob;
}

/**
 * A slice of a store with all that one machine lacks, and stage1 beside it, as one tar.gz stream. To be unpacked as root
 * in /var/lib/bootlace/delivery (emptied before); then `sh stage1/stage1 --conf boot.conf` there goes the way of a boot.
 */
export function makeDelivery(input: DeliveryInput): Readable {
  const blobs = missingBlobs(input);
  // Bundles and runtimes are compressed already; artifacts may be anything.
  const level = blobs.some(({ kind }) => kind === "artifacts") ? constants.Z_BEST_SPEED : constants.Z_NO_COMPRESSION;
  const files = async (): Promise<readonly LocalBlob[]> =>
    inParallel(4, blobs, async (blob) => ({ ...blob, file: await artifactFile(blob) }));
  // The pipeline's own callback would throw away what the reader is told: an error destroys the stream it reads from.
  return pipeline(Readable.from(archive(input, files)), createGzip({ level }), () => {});
}

type MissingBlob = BlobRef & ArtifactSource;

function missingBlobs({ loaded, bundle, runtime, has, arch }: DeliveryInput): readonly MissingBlob[] {
  const usable = new Set(
    artifactLines(loaded.project)
      .filter((line) => arch === undefined || line.arch === "any" || line.arch === arch)
      .map(({ digest }) => digest),
  );
  return [
    ...(has.bundles.has(bundle.digest) ? [] : [{ kind: "bundles", ...bundle } as const]),
    ...(runtime === "system" || has.runtimes.has(runtime.digest) ? [] : [{ kind: "runtimes", ...runtime } as const]),
    ...loaded.artifacts
      .filter(({ digest }) => usable.has(digest) && !has.artifacts.has(digest))
      .map((artifact) => ({ kind: "artifacts", ...artifact }) as const),
  ];
}

async function* archive(input: DeliveryInput, files: () => Promise<readonly LocalBlob[]>): AsyncGenerator<Uint8Array> {
  for (const { path, mode, bytes, content } of await entries(input, await files())) {
    yield tarHeader({ path, mode, size: bytes, type: "File" });
    let sent = 0;
    if (content instanceof Uint8Array) {
      yield content;
      sent = content.length;
    } else {
      for await (const chunk of createReadStream(content.file, { highWaterMark: 1 << 20 })) {
        const part: Buffer = chunk;
        yield part;
        sent += part.length;
      }
    }
    if (sent !== bytes) throw new Error(`${path} changed while it was sent: ${sent} bytes, expected ${bytes}`);
    yield padding(bytes);
  }
  yield TAR_END;
}

async function entries(input: DeliveryInput, blobs: readonly LocalBlob[]): Promise<readonly Entry[]> {
  const { loaded, bundle, runtime, channel } = input;
  const text = (path: string, value: string, mode: number): Entry => {
    const content = Buffer.from(value);
    return { path, mode, bytes: content.length, content };
  };
  const created = Math.floor(Date.now() / 1000);
  const pointer = encodePointer({
    project: loaded.project.name,
    channel,
    epoch: 1,
    serial: created,
    created,
    bundle: { digest: bundle.digest, bytes: bundle.bytes, unpackedBytes: bundle.unpackedBytes },
    runtimes: runtime === "system" ? {} : { [runtime.platform]: runtime },
  });
  const conf = bootConfText({
    store: `file://${DELIVERY_FOLDER}/store`,
    project: loaded.project.name,
    channel,
    runtime: runtime === "system" ? "system" : "digest",
    deadline: 30_000,
  });
  const stage1 = await stage1Files();
  return [
    ...stage1.flatMap(({ path, mode, content }) =>
      "bytes" in content ? [{ path, mode, bytes: content.bytes.length, content: content.bytes }] : [],
    ),
    ...blobs.map((blob) => ({ path: `store/${blobKey(blob)}`, mode: 0o644, bytes: blob.bytes, content: blob })),
    text(`store/channels/${channel}`, pointer, 0o644),
    // Last: a delivery that was cut off has none, and stage1 says so.
    text("boot.conf", conf, 0o600),
  ];
}
