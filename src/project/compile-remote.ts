import type { Place } from "../../stage2/index.ts";
import { LOCK_FILE } from "../artifacts/lock-file.ts";
import { parseRemote, type RemoteSource, shownSource } from "../artifacts/remote-source.ts";
import { ARCHITECTURES } from "../manifest/names.ts";
import type { S3Access } from "../store/s3-settings.ts";
import type { Blobs, CompileArtifactParts, GivenArtifact } from "./compile-artifacts.ts";

/** A source that a service names. */
export interface RemoteUse {
  readonly service: string;
  readonly artifact: string;
  readonly source: RemoteSource;
  readonly kind: "tar.gz" | "file";
  /** What service.yaml says the SHA-256 is. */
  readonly sha256: string | undefined;
  /** Of `from`. */
  readonly place: Place;
}

/** The blobs of an artifact that comes from elsewhere, as bootlace.lock names them; undefined when it has faults. */
export function compileRemote(
  name: string,
  given: GivenArtifact,
  kind: RemoteUse["kind"],
  parts: CompileArtifactParts,
): Blobs | undefined {
  const { definition, faults, lock } = parts;
  const { from, commit, sha256 } = given;
  const place = definition.place(["artifacts", name, "from"]);
  if (typeof sha256 === "object" && !from.includes("{arch}")) {
    const where = definition.place(["artifacts", name, "sha256"]);
    faults.error("E_VALUE", "Expected one digest, because `from` has no {arch}", where);
    return undefined;
  }
  const blobs: Blobs = {};
  let sound = true;
  for (const arch of architectures(given, parts)) {
    const wanted = typeof sha256 === "object" ? sha256[arch as "x86_64"] : sha256;
    const parsed = parseRemote(from.replaceAll("{arch}", arch), commit);
    if ("problem" in parsed) {
      const { source: _source, ...hidden } = definition.place(["artifacts", name, parsed.at]);
      const shown = parsed.isSecret ? hidden : definition.place(["artifacts", name, parsed.at]);
      faults.error("E_ARTIFACT_SOURCE", parsed.problem, shown, { suggestion: parsed.remedy });
      return undefined;
    }
    const source = parsed.kind === "s3" ? { ...parsed, ...addressing(parts.s3) } : parsed;
    parts.remotes.push({ service: definition.name, artifact: name, source, kind, sha256: wanted, place });
    const locked = lock?.get(source.id);
    if (locked === undefined) {
      sound = false;
      if (lock === undefined) continue;
      faults.error("E_ARTIFACT_UNLOCKED", `${shownSource(source)} has no entry in ${LOCK_FILE}`, place, {
        suggestion: "run `bootlace lock`",
      });
    } else if (wanted !== undefined && wanted !== locked.digest) {
      sound = false;
      const where = definition.place(["artifacts", name, "sha256"]);
      const message = `Expected ${wanted}, ${LOCK_FILE} has ${locked.digest} for ${shownSource(source)}`;
      faults.error("E_ARTIFACT_DIGEST", message, where, { suggestion: "if this one is right: run `bootlace lock`" });
    } else {
      blobs[arch] = { digest: locked.digest, bytes: locked.bytes };
      parts.blobs.set(locked.digest, { digest: locked.digest, bytes: locked.bytes, file: source });
    }
  }
  return sound ? blobs : undefined;
}

/** `any`, or those that `{arch}` stands for: what the digests name, and what the service is for. */
function architectures({ from, sha256 }: GivenArtifact, { arch: wanted }: CompileArtifactParts): readonly string[] {
  if (!from.includes("{arch}")) return ["any"];
  return ARCHITECTURES.filter(
    (arch) => (typeof sha256 !== "object" || sha256[arch] !== undefined) && (wanted?.includes(arch) ?? true),
  );
}

/** How the project gets at S3; which key objects are encrypted with does not change where they lie. */
function addressing({ region, endpoint, pathStyle }: S3Access): Partial<Extract<RemoteSource, { kind: "s3" }>> {
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(pathStyle === undefined ? {} : { pathStyle }),
  };
}
