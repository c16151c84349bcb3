import { type Event, unreachable } from "../types/event.ts";
import { printable } from "./printable.ts";

/** 950 → `950ms`, 1234 → `1.2s`, 75000 → `1m15s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  return `${Math.floor(ms / 60_000)}m${String(Math.floor((ms % 60_000) / 1000)).padStart(2, "0")}s`;
}

export type Tone = "plain" | "good" | "bad" | "warn" | "dim";

export interface Line {
  readonly tone: Tone;
  readonly text: string;
}

/** A line without control characters: most of what it tells comes from scripts and machines. */
export const line = (tone: Tone, text: string): Line => ({ tone, text: printable(text) });

/** Lines as plain text, each with its line end. */
export function toText(lines: readonly Line[]): string {
  return lines.map((one) => `${printable(one.text)}\n`).join("");
}

/** `1 step`, `2 steps`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** An event as lines for people who read a log. A closing event gives one line; the table is `summaryLines()`. */
export function eventLines(event: Event): Line[] {
  switch (event.k) {
    case "open": {
      const { plan } = event;
      return [
        line(
          "plain",
          `run ${event.run} of ${event.project}${event.resumed ? " goes on" : ""}: ${plural(plan.steps.length, "step")} for ${plan.roots.join(", ")}`,
        ),
        ...plan.renamed.map(({ from, to }) => line("plain", `  ${to} takes over what was ${from}`)),
        ...plan.changedInits.map((name) =>
          line("warn", `  ${name}.init has changed since it ran; run it again with --rerun ${name}.init`),
        ),
        ...(plan.orphaned.length > 0
          ? [line("warn", `  left over, no longer in the project: ${plan.orphaned.join(", ")}`)]
          : []),
      ];
    }
    case "start":
      return [line("dim", `→ ${event.step}${event.try > 1 ? ` (try ${event.try})` : ""} (${event.why})`)];
    case "output":
      return event.text
        .replace(/\n$/, "")
        .split("\n")
        .map((text) => line("dim", `  ${event.step} | ${clean(text)}`));
    case "output-capped":
      return [line("warn", `  ${event.step} | … more in ${event.log}`)];
    case "retry":
      return [line("warn", `  ${event.step}: ${event.reason}, again in ${duration(event.waitMs)}`)];
    case "waiting-ready":
      return [line("dim", `  ${event.step} waits for ${event.for}`)];
    case "done":
      return [line("good", `✔ ${event.step} ${duration(event.ms)}`)];
    case "fail":
      return [
        line(
          event.ignored ? "warn" : "bad",
          `✖ ${event.step} ${event.reason}${event.message ? `: ${event.message}` : ""} after ${duration(event.ms)}${event.ignored ? " (ignored)" : ""}`,
        ),
        ...(event.log === "" ? [] : [line("dim", `  log: ${event.log}`)]),
      ];
    case "blocked":
      return [line("bad", `⊘ ${event.step} blocked by ${event.by}`)];
    case "left-running":
      return event.processes.map(({ pid, command }) =>
        line("dim", `  ${event.step} left process ${pid} running: ${clean(command)}`),
      );
    case "reboot":
      return [line("warn", `↻ ${event.step} asks for a reboot; the run goes on after it`)];
    case "close":
      return [line(event.outcome === "done" ? "good" : event.outcome === "degraded" ? "warn" : "bad", closing(event))];
    case "notice":
      return [
        line(event.level === "warning" ? "warn" : "plain", `${event.level === "warning" ? "! " : ""}${event.message}`),
      ];
    case "desk-start":
      return [line("dim", `→ ${event.of}: ${event.step}${event.detail ? ` (${event.detail})` : ""}`)];
    case "desk-progress":
      return [];
    case "desk-done":
      return [
        line("good", `✔ ${event.of}: ${event.step}${event.detail ? ` (${event.detail})` : ""} ${duration(event.ms)}`),
      ];
    case "desk-fail":
      return [line("bad", `✖ ${event.of}: ${event.step} after ${duration(event.ms)}: ${event.message}`)];
    case "desk-undo":
      return [
        line(
          event.ok ? "dim" : "bad",
          `↩ ${event.of}: ${event.step} ${event.ok ? "undone" : `could not be undone: ${event.message ?? ""}`}`,
        ),
      ];
    default:
      return unreachable(event);
  }
}

function closing(event: Event & { k: "close" }): string {
  const parts = [
    ...(event.failed.length > 0 ? [`failed: ${some(event.failed)}`] : []),
    ...(event.blocked.length > 0 ? [`blocked: ${some(event.blocked)}`] : []),
    ...(event.ignored.length > 0 ? [`failed and ignored: ${some(event.ignored)}`] : []),
  ];
  return `run ${event.run} ${event.outcome} in ${duration(event.ms)}${parts.length > 0 ? `; ${parts.join("; ")}` : ""}`;
}

/** The first few of a list that may be long. */
function some(names: readonly string[]): string {
  return names.length <= 8 ? names.join(", ") : `${names.slice(0, 8).join(", ")} and ${names.length - 8} more`;
}

/** One parseable line for the machine's console, or undefined where nothing changed state. */
export function consoleLine(event: Event): string | undefined {
  const told = consoleText(event);
  return told === undefined ? undefined : printable(told);
}

function consoleText(event: Event): string | undefined {
  switch (event.k) {
    case "start":
      return `bootlace[run]: ${event.step} started try=${event.try} why=${event.why}`;
    case "done":
      return `bootlace[run]: ${event.step} done ms=${Math.round(event.ms)}`;
    case "fail":
      return `bootlace[run]: ${event.step} failed ${event.reason} ms=${Math.round(event.ms)}${event.ignored ? " ignored" : ""}`;
    case "blocked":
      return `bootlace[run]: ${event.step} blocked by=${event.by}`;
    case "reboot":
      return `bootlace[run]: ${event.step} reboot`;
    case "open":
      return `bootlace[run]: run ${event.run} open steps=${event.plan.steps.length}${event.resumed ? " resumed" : ""}`;
    case "close":
      return `bootlace[run]: run ${event.run} ${event.outcome} exit=${event.exit} ms=${Math.round(event.ms)}`;
    case "notice":
      return event.level === "warning" ? `bootlace[run]: warning ${event.code} ${clean(event.message)}` : undefined;
    default:
      return undefined;
  }
}

/** Output of a script as text alone: without what would move the cursor, colour the screen or speak to the terminal. */
export function clean(text: string): string {
  // What a carriage return overwrote nobody was to see any more: progress bars.
  const shown = text.replace(/\r+$/, "").replace(/^.*\r/s, "");
  return shown
    .replace(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)/g, "")
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, " ");
}
