import type { Inventory } from "../../image/inventory.ts";
import type { Captured, Machine, Provider } from "../../machine/machine.ts";
import type { Link } from "../../machine/run/link.ts";
import type { BuildPlan } from "./build-plan.ts";

/** What a build starts with; each step adds to it. */
export interface BuildStart {
  readonly dir: string;
  readonly provider: Provider;
  /** Also its ledger entry's and its machine's name. */
  readonly id: string;
  readonly imageId: string;
  /** When it began, in milliseconds since 1970; one that was kept and is gone on with began then. */
  readonly began: number;
  /** When what the build made may be removed by anybody's gc, in milliseconds since 1970. */
  readonly expires: number;
  readonly plan: BuildPlan;
}

export interface Launched {
  readonly machine: Machine;
  readonly link: Link;
  /** The machine is sealed and stopped, and its capture begun: the steps up to there are over. */
  readonly isCaptureBegun: boolean;
}

export interface Sealed {
  /** `name version`, sorted. */
  readonly packages: readonly string[];
  readonly inventory: Omit<Inventory, "ports">;
}

export interface Proven {
  /** What listened on the machine that proved it. */
  readonly ports: readonly string[];
}

export interface CapturedImage {
  readonly captured: Captured;
}
