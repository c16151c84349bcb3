import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import type { Artifact, Place } from "../../stage2/index.ts";
import type { ServiceManifest } from "../manifest/service-schema.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";
import type { ArtifactSource } from "./loaded.ts";
import type { Stamps } from "./stamps.ts";

type Given = NonNullable<ServiceManifest["artifacts"]>;

interface Parts {
  readonly projectDir: string;
  readonly definition: Definition;
  readonly faults: FaultList;
  readonly stamps: Stamps;
  /** Collects the blobs of the whole project, by digest. */
  readonly blobs: Map<string, ArtifactSource>;
}

const ARCHITECTURES = ["x86_64", "arm64"] as const;

/** Compiles `artifacts:`; paths are below the project's folder, because builds put their results there. */
export function compileArtifacts(given: Given = {}, parts: Parts): Artifact[] {
  return Object.keys(given)
    .sort()
    .flatMap((name) => {
      const one = given[name];
      return one === undefined ? [] : (compileOne(name, one, parts) ?? []);
    });
}

function compileOne(name: string, given: Given[string], parts: Parts): Artifact | undefined {
  const { definition, faults } = parts;
  const at = (): Place => definition.place(["artifacts", name, "from"]);
  const { from, to, user, mode } = given;
  if (/^[a-z][a-z0-9+]*:|^git@/i.test(from)) {
    const scheme = from.slice(0, from.indexOf(":"));
    faults.error(
      "E_ARTIFACT_SOURCE",
      `This version fetches artifacts from paths at the desk; ${scheme} is not there yet`,
      at(),
      {
        suggestion: "download it before, and name the file",
      },
    );
    return undefined;
  }
  const path = normalize(from);
  if (isAbsolute(path) || path.startsWith("..")) {
    faults.error("E_PATH", `Expected a path below the project's folder, "${from}" came`, at());
    return undefined;
  }
  const blobs: Record<string, { digest: string; bytes: number }> = {};
  const candidates = from.includes("{arch}") ? ARCHITECTURES : (["any"] as const);
  for (const arch of candidates) {
    const file = join(parts.projectDir, path.replaceAll("{arch}", arch));
    const blob = readBlob(file, parts);
    if (!blob) continue;
    blobs[arch] = { digest: blob.digest, bytes: blob.bytes };
    const wanted = typeof given.sha256 === "object" ? given.sha256[arch === "any" ? "x86_64" : arch] : given.sha256;
    if (wanted !== undefined && wanted !== blob.digest) {
      const where = definition.place(["artifacts", name, "sha256"]);
      faults.error("E_VALUE", `${path} has the digest ${blob.digest}, another one is locked`, where);
    }
  }
  if (Object.keys(blobs).length === 0) {
    faults.error("E_ARTIFACT_MISSING", `There is no file "${path}" in the project's folder`, at());
    return undefined;
  }
  return {
    name,
    blobs,
    kind: (given.unpack ?? /\.(?:tar\.gz|tgz)$/.test(path)) ? "tar.gz" : "file",
    to,
    ...(user === undefined ? {} : { user }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
  };
}

function readBlob(file: string, { stamps, blobs }: Parts): ArtifactSource | undefined {
  stamps.add(file);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  // Artifacts can be larger than memory.
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  const handle = openSync(file, "r");
  let bytes = 0;
  try {
    for (let count = readSync(handle, chunk); count > 0; count = readSync(handle, chunk)) {
      hash.update(chunk.subarray(0, count));
      bytes += count;
    }
  } finally {
    closeSync(handle);
  }
  const source = { digest: hash.digest("hex"), bytes, file };
  blobs.set(source.digest, source);
  return source;
}
