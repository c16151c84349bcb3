import type { Event } from "../../stage2/index.ts";

/** Tells of a step that takes its time: when it begins, when it is done. A step that fails is told by its error. */
export async function deskStep<T>(
  report: (event: Event) => void,
  { step, of, detail }: { readonly step: string; readonly of: string; readonly detail?: string },
  act: () => Promise<T>,
): Promise<T> {
  const began = performance.now();
  report({ t: Date.now(), k: "desk-start", step, of, ...(detail && { detail }) });
  const made = await act();
  report({ t: Date.now(), k: "desk-done", step, of, ms: Math.round(performance.now() - began) });
  return made;
}
