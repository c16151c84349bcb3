import { type Project, rootsFrom } from "../../../stage2/index.ts";
import type { ProjectConfig } from "../../manifest/project-schema.ts";

type Config = Pick<ProjectConfig, "machines"> & Partial<Pick<ProjectConfig, "images">>;

/** What bootlace.yaml wants of a machine: of its own entry, or of the image that it was made from and named by. */
export interface Wanted {
  /** Roots. */
  readonly services?: readonly string[];
  /** Laid over the project's. */
  readonly params?: NonNullable<ProjectConfig["machines"][string]["params"]>;
}

/** The same for `up`, `apply`, `plan` and `why`, whichever brought the machine there. */
export function wantedOf({ machines, images = {} }: Config, name: string): Wanted {
  const { services, params } = machines[name] ?? images[name] ?? {};
  return { ...(services && { services }), ...(params && { params }) };
}

/** Roots of a machine: those asked for, `+NAME` beside its own, in the way of the machine itself. */
export const rootsOf = (own: readonly string[], project: Project, asked: readonly string[] = []): readonly string[] =>
  rootsFrom({ services: own.map((name) => `${name}\n`).join("") }, project, asked);
