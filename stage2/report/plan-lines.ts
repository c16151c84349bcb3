import type { Explanation } from "../plan/why.ts";
import type { Plan } from "../types/plan.ts";
import { type Line, plural } from "./lines.ts";

/** A plan as lines: what would run, in which order, and why. */
export function planLines(plan: Plan): Line[] {
  const width = Math.max(0, ...plan.steps.map((step) => step.id.length));
  const steps = plan.steps.map((step): Line => {
    const waits = [...step.needs, ...step.after];
    const text = `  ${step.id.padEnd(width)}  ${step.why.padEnd(13)} ${step.detail}${waits.length > 0 ? `  ← ${waits.join(", ")}` : ""}`;
    return { tone: "plain", text: text.trimEnd() };
  });
  return [
    {
      tone: "plain",
      text:
        plan.steps.length === 0
          ? `Nothing to do for ${plan.roots.join(", ") || "no services"}`
          : `${plural(plan.steps.length, "step")} for ${plan.roots.join(", ")}`,
    },
    ...steps,
    ...plan.assumed.map((name): Line => ({ tone: "warn", text: `  ${name}.init is taken as done without running it` })),
    ...plan.renamed.map(({ from, to }): Line => ({ tone: "plain", text: `  ${to} takes over what was ${from}` })),
    ...plan.changedInits.map(
      (name): Line => ({
        tone: "warn",
        text: `  ${name}.init has changed since it ran; run it again with --rerun ${name}.init`,
      }),
    ),
    ...plan.left.map(
      ({ service, phase, why }): Line => ({
        tone: "dim",
        text: `  left out: ${service}${phase ? `.${phase}` : ""}: ${why}`,
      }),
    ),
    ...plan.orphaned.map(
      (name): Line => ({ tone: "warn", text: `  left over: ${name} is on the machine, no longer in the project` }),
    ),
  ];
}

/** An explanation as lines. */
export function whyLines(why: Explanation): Line[] {
  return [
    {
      tone: "plain",
      text:
        why.path.length === 0
          ? `${why.service}: nothing that is asked for requires it`
          : `${why.service}: ${why.path.join(" → ")}`,
    },
    ...(why.left === undefined ? [] : [{ tone: "warn" as const, text: `  left out: ${why.left}` }]),
    ...why.done.map(
      ({ phase, is, t }): Line => ({ tone: "plain", text: `  ${phase} ${is} at ${new Date(t).toISOString()}` }),
    ),
    ...why.steps.map(
      (step): Line => ({
        tone: "plain",
        text: `  next: ${step.id} (${step.why}) ${step.detail}${step.needs.length > 0 ? `, after ${step.needs.join(", ")}` : ""}`,
      }),
    ),
  ];
}
