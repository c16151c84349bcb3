import type { Event } from "../../stage2/index.ts";

/** What a step can use besides its context. */
export interface StepTools {
  readonly signal: AbortSignal;
  readonly report: (event: Event) => void;
}

/** One step of a recipe, with its undo. Types carry the progress: a step's context holds what the steps before made. */
export interface Step<In extends object, Out extends object> {
  readonly name: string;
  readonly run: (context: In, tools: StepTools) => Promise<Out>;
  /**
   * Takes back what `run` made or began to make; so it must cope with finding nothing. Called whether `run` ended well,
   * failed or was interrupted, and never with a signal: an undo is not interrupted.
   */
  readonly undo?: (context: In & Partial<Out>) => Promise<void>;
  /** Called instead of `undo` when what was made is kept: lets go of it, since an open connection keeps the desk alive. */
  readonly leave?: (context: In & Partial<Out>) => Promise<void>;
  /** False: the step is left out, and nobody hears of it. */
  readonly when?: (context: In) => boolean;
  /** Where to go back to when this step is tried again; default: itself. */
  readonly retryFrom?: string;
  /** Keeps its outcome when the recipe goes back before it: the machine is there already. */
  readonly once?: boolean;
}

type AnyStep = Step<never, object>;

/** A list of steps whose contexts fit together. */
export class Recipe<Start extends object, Now extends object = Start> {
  readonly steps: readonly AnyStep[];

  private constructor(steps: readonly AnyStep[]) {
    this.steps = steps;
  }

  static start<Start extends object>(): Recipe<Start> {
    return new Recipe([]);
  }

  step<Out extends object>(step: Step<Now, Out>): Recipe<Start, Now & Out> {
    return new Recipe([...this.steps, step as AnyStep]);
  }
}
