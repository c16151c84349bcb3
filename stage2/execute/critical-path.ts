import type { Step, StepId } from "../types/plan.ts";

/**
 * The chain of steps that decided how long the run took, by the times that were measured.
 *
 * @param steps in plan order.
 * @param ms how long each step took; steps that did not run are absent.
 */
export function criticalPath(
  steps: readonly Step[],
  ms: ReadonlyMap<StepId, number>,
): { readonly steps: readonly StepId[]; readonly ms: number } {
  const total = new Map<StepId, number>();
  const before = new Map<StepId, StepId>();
  const longest: (StepId | undefined)[] = [undefined, undefined];
  const length = (id: StepId | undefined): number => (id === undefined ? 0 : (total.get(id) ?? 0));

  for (const step of steps) {
    const own = ms.get(step.id);
    if (own === undefined) continue;
    // A step of the second stage also waits for the whole first one.
    const earlier = [...step.needs, ...step.after, ...(step.stage === 1 && longest[0] ? [longest[0]] : [])];
    let from: StepId | undefined;
    for (const id of earlier) if (length(id) > length(from)) from = id;
    total.set(step.id, length(from) + own);
    if (from !== undefined) before.set(step.id, from);
    if (length(step.id) >= length(longest[step.stage])) longest[step.stage] = step.id;
  }

  const last = length(longest[1]) >= length(longest[0]) ? (longest[1] ?? longest[0]) : longest[0];
  const path: StepId[] = [];
  for (let id = last; id !== undefined; id = before.get(id)) path.push(id);
  return { steps: path.reverse(), ms: length(last) };
}
