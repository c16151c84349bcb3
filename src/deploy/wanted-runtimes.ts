import type { ProjectConfig } from "../manifest/project-schema.ts";
import { deskArch, type RuntimeArch } from "../runtime/pinned.ts";

/** Architectures that a project's images and machines have; that of the desk where none says. Empty for `runtime: system`. */
export function wantedRuntimes(config: Pick<ProjectConfig, "runtime" | "images" | "machines">): readonly RuntimeArch[] {
  if (config.runtime === "system") return [];
  const named = [...Object.values(config.images), ...Object.values(config.machines)].flatMap(({ arch }) => arch ?? []);
  return named.length === 0 ? [deskArch()] : [...new Set(named)].sort();
}
