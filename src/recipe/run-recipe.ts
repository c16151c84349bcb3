import type { Event } from "../../stage2/index.ts";
import { abortError } from "../session/abort.ts";
import type { Recipe, Step } from "./recipe.ts";

export interface Failure {
  readonly step: string;
  readonly error: unknown;
  /** The context so far. */
  readonly context: Readonly<Record<string, unknown>>;
}

export type Decision = "retry" | "keep" | "clean";

export interface RecipeOptions {
  /** What the steps act on, for the events: `image web`. */
  readonly of: string;
  readonly report: (event: Event) => void;
  readonly signal: AbortSignal;
  /** What to do after a failure; not asked after an interruption. Default: clean. */
  readonly decide?: (failure: Failure) => Promise<Decision>;
}

/**
 * Runs a recipe. On a failure, SIGINT or SIGTERM the undos of all steps that began run in reverse, each whether or not
 * the others succeed, and the first error is thrown. What is to be kept is let go of.
 */
export async function runRecipe<Start extends object, End extends object>(
  recipe: Recipe<Start, End>,
  start: Start,
  options: RecipeOptions,
): Promise<End> {
  const begun: { readonly step: Step<never, object> }[] = [];
  const done = new Set<string>();
  let context: object = { ...start };
  for (let at = 0; at < recipe.steps.length; ) {
    const step = recipe.steps[at];
    if (!step) break;
    if ((step.once && done.has(step.name)) || step.when?.(context as never) === false) {
      at += 1;
      continue;
    }
    if (!begun.some((other) => other.step === step)) begun.push({ step });
    try {
      context = { ...context, ...(await runStep(step, context, options)) };
      done.add(step.name);
      at += 1;
    } catch (error) {
      const decision = await decideOn({ step: step.name, error, context: { ...context } }, options);
      if (decision === "retry") {
        const back = recipe.steps.findIndex((other) => other.name === step.retryFrom);
        at = back >= 0 ? back : at;
        continue;
      }
      if (decision === "clean") await undoAll(begun, context, options);
      else for (const { step: kept } of begun) await kept.leave?.(context as never).catch(() => {});
      throw error;
    }
  }
  return context as End;
}

async function runStep(
  step: Step<never, object>,
  context: object,
  { of, report, signal }: RecipeOptions,
): Promise<object> {
  const began = performance.now();
  const ms = () => Math.round(performance.now() - began);
  report({ t: Date.now(), k: "desk-start", step: step.name, of });
  try {
    if (signal.aborted) throw abortError(signal);
    const made = await step.run(context as never, { signal, report });
    const detail = "detail" in made && typeof made.detail === "string" ? { detail: made.detail } : {};
    report({ t: Date.now(), k: "desk-done", step: step.name, of, ms: ms(), ...detail });
    return made;
  } catch (error) {
    report({ t: Date.now(), k: "desk-fail", step: step.name, of, ms: ms(), message: messageOf(error) });
    throw error;
  }
}

async function decideOn(failure: Failure, { decide, signal }: RecipeOptions): Promise<Decision> {
  if (signal.aborted || !decide) return "clean";
  const decision = await decide(failure);
  return signal.aborted ? "clean" : decision;
}

async function undoAll(
  begun: readonly { readonly step: Step<never, object> }[],
  context: object,
  { of, report }: RecipeOptions,
): Promise<void> {
  for (const { step } of [...begun].reverse()) {
    if (!step.undo) continue;
    try {
      await step.undo(context as never);
      report({ t: Date.now(), k: "desk-undo", step: step.name, of, ok: true });
    } catch (error) {
      report({ t: Date.now(), k: "desk-undo", step: step.name, of, ok: false, message: messageOf(error) });
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
