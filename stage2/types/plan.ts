import type { PackageManager, Phase } from "./service.ts";

/** Why a phase will run; scripts see it as `BOOTLACE_REASON`. */
export type Reason = "new" | "interrupted" | "failed-before" | "changed" | "boot" | "asked";

/** `web.init`, `web.update`, `packages.apt.1`. */
export type StepId = string;

interface StepBase {
  readonly id: StepId;
  /** Stages run one after the other: 0 packages and inits (or seal, or destroy), 1 updates. */
  readonly stage: 0 | 1;
  /** Steps of this plan that must have ended well before. */
  readonly needs: readonly StepId[];
  /** Steps of this plan that must have ended, well or not. */
  readonly after: readonly StepId[];
  readonly why: Reason;
  /** One line for people: `asked for by shop`, `script changed since 3 May`. */
  readonly detail: string;
}

export interface ScriptStep extends StepBase {
  readonly kind: "script";
  readonly service: string;
  readonly phase: Phase;
}

/** One transaction of one package manager for all pending services. */
export interface PackageStep extends StepBase {
  readonly kind: "packages";
  readonly manager: PackageManager;
  /** Package name → services that want it. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  readonly services: readonly string[];
}

export type Step = ScriptStep | PackageStep;

/** A service or phase that the plan leaves out, and why. */
export interface Left {
  readonly service: string;
  readonly phase?: Phase;
  readonly why: string;
}

export interface Plan {
  readonly roots: readonly string[];
  /** The services of the closure whose `when` holds, in order. */
  readonly closure: readonly string[];
  /** In an order that respects `needs` and `after`; those that could go either way stand by name. */
  readonly steps: readonly Step[];
  readonly left: readonly Left[];
  /** Services whose init is taken as done without running it (`--assume-init`). */
  readonly assumed: readonly string[];
  /** In the journal, no longer in the project. */
  readonly orphaned: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Inits whose script or parameters differ from those that ran, where the service says `warn`. */
  readonly changedInits: readonly string[];
}
