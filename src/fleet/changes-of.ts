import { type Event, eventLines, type Line } from "../../stage2/index.ts";

/** What is shown of an event where several things go on at once: changes of state; what a script printed, where it failed. */
export function changesOf(event: Event): readonly Line[] {
  switch (event.k) {
    case "output":
    case "output-capped":
    case "left-running":
    case "waiting-ready":
    case "desk-start":
      return [];
    case "fail":
      return [...eventLines(event), ...tailOf(event.tail)];
    default:
      return eventLines(event);
  }
}

const tailOf = (tail: string): Line[] =>
  tail === ""
    ? []
    : tail
        .trimEnd()
        .split("\n")
        .map((text) => ({ tone: "dim", text: `  │ ${text}` }));
