import type { Project } from "../../stage2/index.ts";

/** A blob that services of a project need, as a machine is told of it. */
export interface ArtifactLine {
  readonly digest: string;
  readonly bytes: number;
  /** `x86_64`, `arm64` or `any`. */
  readonly arch: string;
}

/** All artifact blobs of a project, each once per architecture, sorted. */
export function artifactLines(project: Project): readonly ArtifactLine[] {
  const lines = new Map<string, ArtifactLine>();
  for (const { artifacts } of project.services) {
    for (const { blobs } of artifacts) {
      for (const [arch, { digest, bytes }] of Object.entries(blobs))
        lines.set(`${digest} ${arch}`, { digest, bytes, arch });
    }
  }
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

/** The bundle's `artifacts.list`, which stage1 reads: `<sha256> <bytes> <arch>` a line; empty when there are none. */
export function artifactsList(project: Project): string {
  return artifactLines(project)
    .map(({ digest, bytes, arch }) => `${digest} ${bytes} ${arch}\n`)
    .join("");
}
