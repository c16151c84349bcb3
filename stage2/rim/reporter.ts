import { eventLines, type Line, type Tone } from "../report/lines.ts";
import { printable } from "../report/printable.ts";
import { Progress } from "../report/progress.ts";
import type { Event } from "../types/event.ts";

export interface ReporterOptions {
  readonly stream: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number;
    readonly rows?: number;
  };
  /** One event a line, as JSON, and nothing else. */
  readonly json?: boolean;
  /** A live tree at the foot of the terminal; default: when the stream is a terminal. */
  readonly live?: boolean;
}

export interface Reporter {
  (event: Event): void;
  /** Takes the live part off the screen and shows it no more. */
  close(): void;
}

/** SGR codes, on and off: ECMA-48. Own table: util.styleText is not in every Node 20. */
const STYLES: Record<Tone, readonly [number, number] | undefined> = {
  plain: undefined,
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  dim: [2, 22],
};

/** A reader of events that shows them to a person or a program. */
export function createReporter({ stream, json = false, live = stream.isTTY === true }: ReporterOptions): Reporter {
  if (json) {
    const write = (event: Event): void => void stream.write(`${JSON.stringify(event)}\n`);
    return Object.assign(write, { close: () => {} });
  }
  return live ? liveReporter(stream) : plainReporter(stream);
}

function plainReporter(stream: ReporterOptions["stream"]): Reporter {
  const progress = new Progress();
  const colour = useColour(stream);
  const show = (lines: readonly Line[]): void => {
    if (lines.length > 0) stream.write(lines.map((line) => `${paint(line, colour)}\n`).join(""));
  };
  const report = (event: Event): void => {
    progress.add(event);
    if (event.k === "close") show(progress.summary(event));
    show(eventLines(event));
  };
  return Object.assign(report, { close: () => {} });
}

/** Finished things scroll up; what runs and waits is drawn anew below them, at most ten times a second. */
function liveReporter(stream: ReporterOptions["stream"]): Reporter {
  const progress = new Progress();
  const colour = useColour(stream);
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const erase = (): string => (drawn > 0 ? `\x1b[${drawn}A\x1b[J` : "");
  const draw = (above: readonly Line[]): void => {
    const height = Math.max(3, Math.floor((stream.rows || 24) / 2));
    const frame = progress.frame(Date.now(), height);
    const width = (stream.columns || 80) - 1;
    const text = [
      ...above.map((line) => paint(line, colour)),
      ...frame.map((line) => paint({ ...line, text: line.text.slice(0, width) }, colour)),
    ];
    stream.write(`${erase()}${text.map((line) => `${line}\n`).join("")}`);
    drawn = frame.length;
  };
  const report = (event: Event): void => {
    progress.add(event);
    timer ??= setInterval(() => draw([]), 100).unref();
    const summary = event.k === "close" ? progress.summary(event) : [];
    // Output stands beside its step in the live part; it is shown whole where a step fails.
    const quiet =
      event.k === "output" || event.k === "start" || event.k === "desk-start" || event.k === "waiting-ready";
    const tail =
      event.k === "fail" && event.tail !== ""
        ? event.tail
            .trimEnd()
            .split("\n")
            .map((text): Line => ({ tone: "dim", text: `  │ ${text}` }))
        : [];
    const lines = quiet ? [] : [...summary, ...eventLines(event), ...tail];
    if (lines.length > 0) draw(lines);
  };
  const close = (): void => {
    clearInterval(timer);
    stream.write(erase());
    drawn = 0;
  };
  return Object.assign(report, { close });
}

function useColour(stream: ReporterOptions["stream"]): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR;
}

function paint(line: Line, colour: boolean): string {
  const style = STYLES[line.tone];
  const text = printable(line.text);
  return colour && style !== undefined ? `\x1b[${style[0]}m${text}\x1b[${style[1]}m` : text;
}
