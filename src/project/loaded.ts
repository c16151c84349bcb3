import type { Fault, Project } from "../../stage2/index.ts";
import type { RemoteSource } from "../artifacts/remote-source.ts";
import type { BundleFile } from "../bundle/bundle-file.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";

/** A blob that machines fetch apart from the bundle. */
export interface ArtifactSource {
  /** SHA-256, hex. */
  readonly digest: string;
  readonly bytes: number;
  /** Absolute path at the desk, or where else it comes from; `artifactFile()` answers a path for either. */
  readonly file: string | RemoteSource;
}

/** A project that was read, checked and compiled. */
export interface LoadedProject {
  /** Absolute. */
  readonly dir: string;
  /** bootlace.yaml, typed, defaults filled in: durations in milliseconds, sizes in bytes. */
  readonly config: ProjectConfig;
  /** What a bundle's project.json holds. */
  readonly project: Project;
  /** Everything below `services/` of the bundle, sorted by path. */
  readonly files: readonly BundleFile[];
  readonly artifacts: readonly ArtifactSource[];
  /** What is odd but no error. */
  readonly warnings: readonly Fault[];
}
