import { isAbsolute, join, normalize } from "node:path";
import type { Artifact } from "../../stage2/index.ts";
import { hashFile } from "../artifacts/hash-file.ts";
import type { Lock } from "../artifacts/lock-file.ts";
import { isRemote } from "../artifacts/remote-source.ts";
import { ARCHITECTURES } from "../manifest/names.ts";
import type { ServiceManifest } from "../manifest/service-schema.ts";
import type { S3Access } from "../store/s3-settings.ts";
import { compileRemote, type RemoteUse } from "./compile-remote.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";
import type { ArtifactSource } from "./loaded.ts";
import type { Stamps } from "./stamps.ts";

export type GivenArtifact = NonNullable<ServiceManifest["artifacts"]>[string];

/** What all services of a project share. */
export interface ArtifactParts {
  readonly projectDir: string;
  readonly stamps: Stamps;
  /** Undefined when bootlace.lock has faults of its own. */
  readonly lock: Lock | undefined;
  readonly s3: S3Access;
  /** Collects the blobs of the whole project, by digest. */
  readonly blobs: Map<string, ArtifactSource>;
  /** Collects what comes from elsewhere, locked or not. */
  readonly remotes: RemoteUse[];
}

export interface CompileArtifactParts extends ArtifactParts {
  readonly definition: Definition;
  readonly faults: FaultList;
  /** Those that the service is for; undefined for all. */
  readonly arch: readonly string[] | undefined;
}

export type Blobs = Record<string, { readonly digest: string; readonly bytes: number }>;

/** Compiles `artifacts:`; paths are below the project's folder, because builds put their results there. */
export function compileArtifacts(
  given: NonNullable<ServiceManifest["artifacts"]> = {},
  parts: CompileArtifactParts,
): Artifact[] {
  return Object.keys(given)
    .sort()
    .flatMap((name) => {
      const one = given[name];
      return one === undefined ? [] : (compileOne(name, one, parts) ?? []);
    });
}

function compileOne(name: string, given: GivenArtifact, parts: CompileArtifactParts): Artifact | undefined {
  const { to, user, mode } = given;
  const remote = isRemote(given.from);
  const kind = isArchive(given) ? "tar.gz" : "file";
  const blobs = remote ? compileRemote(name, given, kind, parts) : compilePath(name, given, parts);
  if (blobs === undefined) return undefined;
  return {
    name,
    blobs,
    kind,
    to,
    ...(user === undefined ? {} : { user }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
  };
}

/** A git repository always comes as an archive of its tree. */
const isArchive = ({ from, unpack, commit }: GivenArtifact): boolean =>
  unpack ?? (commit !== undefined || /\.(?:tar\.gz|tgz)$/.test(isRemote(from) ? from.replace(/[?#].*$/, "") : from));

function compilePath(name: string, given: GivenArtifact, parts: CompileArtifactParts): Blobs | undefined {
  const { definition, faults, projectDir, stamps } = parts;
  const { from, commit } = given;
  const fault = (code: "E_PATH" | "E_ARTIFACT_MISSING", message: string): undefined => {
    faults.error(code, message, definition.place(["artifacts", name, "from"]));
    return undefined;
  };
  const path = normalize(from);
  if (isAbsolute(path) || path === ".." || path.startsWith("../"))
    return fault("E_PATH", `Expected a path below the project's folder, "${from}" came`);
  if (commit !== undefined) {
    const where = definition.place(["artifacts", name, "commit"]);
    faults.error("E_ARTIFACT_SOURCE", `A commit belongs to a git repository, and "${from}" is a path`, where, {
      suggestion: "leave `commit` out",
    });
  }
  const blobs: Blobs = {};
  for (const arch of from.includes("{arch}") ? ARCHITECTURES : (["any"] as const)) {
    const file = join(projectDir, path.replaceAll("{arch}", arch));
    stamps.add(file);
    const blob = hashFile(file);
    if (!blob) continue;
    blobs[arch] = blob;
    parts.blobs.set(blob.digest, { ...blob, file });
    const wanted = typeof given.sha256 === "object" ? given.sha256[arch === "any" ? "x86_64" : arch] : given.sha256;
    if (wanted !== undefined && wanted !== blob.digest) {
      const where = definition.place(["artifacts", name, "sha256"]);
      faults.error("E_ARTIFACT_DIGEST", `${path} has the digest ${blob.digest}, expected ${wanted}`, where);
    }
  }
  if (Object.keys(blobs).length > 0) return blobs;
  return fault("E_ARTIFACT_MISSING", `There is no file "${path}" in the project's folder`);
}
