import type { Event } from "../types/event.ts";
import type { Step, StepId } from "../types/plan.ts";
import { clean, duration, type Line, line } from "./lines.ts";
import { shownBytes } from "./shown-bytes.ts";

interface Row {
  readonly step: Step;
  state: "waiting" | "running" | "done" | "failed" | "ignored" | "blocked";
  since: number;
  ms: number;
  last: string;
}

/** What a live view shows, folded from events. Desk steps stand beside the steps of the machine's run. */
export class Progress {
  private readonly rows = new Map<StepId, Row>();
  private readonly desk = new Map<string, { since: number; last: string }>();

  add(event: Event): void {
    switch (event.k) {
      case "open":
        this.rows.clear();
        for (const step of event.plan.steps)
          this.rows.set(step.id, { step, state: "waiting", since: 0, ms: 0, last: "" });
        break;
      case "start":
        this.set(event.step, { state: "running", since: event.t, last: "" });
        break;
      case "output":
        this.set(event.step, { last: clean(event.text.trimEnd().split("\n").at(-1) ?? "") });
        break;
      case "waiting-ready":
        this.set(event.step, { last: `waits for ${event.for}` });
        break;
      case "done":
        this.set(event.step, { state: "done", ms: event.ms });
        break;
      case "fail":
        this.set(event.step, { state: event.ignored ? "ignored" : "failed", ms: event.ms });
        break;
      case "blocked":
        this.set(event.step, { state: "blocked" });
        break;
      case "desk-start":
        this.desk.set(`${event.of}: ${event.step}`, { since: event.t, last: event.detail ?? "" });
        break;
      case "desk-progress": {
        const entry = this.desk.get(`${event.of}: ${event.step}`);
        if (entry !== undefined) entry.last = progressText(event);
        break;
      }
      case "desk-done":
      case "desk-fail":
        this.desk.delete(`${event.of}: ${event.step}`);
        break;
      default:
        break;
    }
  }

  /** The lines below the scrolled part: what runs, for how long, and what waits for what. */
  frame(now: number, height: number): Line[] {
    const running = [...this.rows.values()].filter((row) => row.state === "running");
    const waiting = [...this.rows.values()].filter((row) => row.state === "waiting");
    const desk = [...this.desk].map(
      ([name, { since, last }]): Line => ({ tone: "plain", text: `● ${name} ${duration(now - since)}  ${last}` }),
    );
    const active = running.map(
      (row): Line => ({ tone: "plain", text: `● ${row.step.id} ${duration(now - row.since)}  ${row.last}` }),
    );
    const room = Math.max(0, height - desk.length - active.length - 1);
    const shown = waiting.slice(0, room).map(
      (row): Line => ({
        tone: "dim",
        text: `○ ${row.step.id} waits for ${this.waitsFor(row).join(", ") || "its turn"}`,
      }),
    );
    const hidden = waiting.length - shown.length;
    const rows = [
      ...desk,
      ...active.slice(0, height),
      ...shown,
      ...(hidden > 0 ? [{ tone: "dim" as const, text: `○ and ${hidden} more` }] : []),
    ];
    // Each is one row of the screen, or what is drawn could not be taken off again.
    return rows.map(({ tone, text }) => line(tone, text.replaceAll("\n", " ")));
  }

  /** The closing table: each step's end and time, and the chain that decided how long it took. */
  summary(close: Event & { k: "close" }): Line[] {
    const rows = [...this.rows.values()].filter((row) => row.state !== "waiting" && row.state !== "running");
    const width = Math.max(0, ...rows.map((row) => row.step.id.length));
    const onPath = new Set(close.criticalPath);
    const table = rows.map((row): Line => {
      const time = row.state === "blocked" ? "" : duration(row.ms);
      const tone = row.state === "done" ? "plain" : row.state === "ignored" ? "warn" : "bad";
      return {
        tone,
        text: `  ${row.step.id.padEnd(width)}  ${row.state.padEnd(8)} ${time.padStart(7)}${onPath.has(row.step.id) ? "  *" : ""}`,
      };
    });
    if (close.criticalPath.length === 0) return table;
    return [
      ...table,
      { tone: "dim", text: `  * critical path ${duration(close.criticalMs)} of ${duration(close.ms)}` },
    ];
  }

  private waitsFor(row: Row): StepId[] {
    const before = [...row.step.needs, ...row.step.after];
    return before.filter((id) => ["waiting", "running"].includes(this.rows.get(id)?.state ?? "")).slice(0, 3);
  }

  private set(id: StepId, change: Partial<Row>): void {
    const row = this.rows.get(id);
    if (row !== undefined) Object.assign(row, change);
  }
}

function progressText(event: Event & { k: "desk-progress" }): string {
  const amount = (value: number): string => (event.unit === "bytes" ? shownBytes(value) : String(value));
  return event.total === undefined ? amount(event.done) : `${amount(event.done)} of ${amount(event.total)}`;
}
