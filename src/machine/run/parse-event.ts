import { BootlaceError, type Event, EXIT } from "../../../stage2/index.ts";

type Kind = Event["k"];
type Of<K extends Kind> = Extract<Event, { readonly k: K }>;

/** The name of a check in {@link CHECKS} for values of a type. A union of texts is only shown, so any text will do. */
type Form<T> = [T] extends [string]
  ? "text"
  : [T] extends [number]
    ? "number"
    : [T] extends [boolean]
      ? "flag"
      : [T] extends [readonly string[]]
        ? "texts"
        : [T] extends [readonly unknown[]]
          ? "processes"
          : "plan";
type FieldForm<T> = undefined extends T ? `${Form<Exclude<T, undefined>>}?` : Form<T>;

/** The fields of each kind beside `k` and `t`. The compiler holds it to the union: a new field or kind has to stand here. */
const SHAPES: { readonly [K in Kind]: { readonly [F in Exclude<keyof Of<K>, "k" | "t">]-?: FieldForm<Of<K>[F]> } } = {
  open: {
    run: "text",
    project: "text",
    machine: "text",
    boot: "text",
    bundle: "text",
    resumed: "flag",
    plan: "plan",
  },
  close: {
    run: "text",
    outcome: "text",
    exit: "number",
    failed: "texts",
    blocked: "texts",
    ignored: "texts",
    criticalPath: "texts",
    criticalMs: "number",
    ms: "number",
  },
  start: { step: "text", try: "number", why: "text" },
  output: { step: "text", text: "text" },
  "output-capped": { step: "text", log: "text" },
  retry: { step: "text", reason: "text", waitMs: "number" },
  "waiting-ready": { step: "text", for: "text" },
  done: { step: "text", ms: "number" },
  fail: { step: "text", ms: "number", reason: "text", message: "text", tail: "text", log: "text", ignored: "flag" },
  blocked: { step: "text", by: "text" },
  "left-running": { step: "text", processes: "processes" },
  reboot: { step: "text" },
  "desk-start": { step: "text", of: "text", detail: "text?" },
  "desk-progress": { step: "text", of: "text", done: "number", total: "number?", unit: "text" },
  "desk-done": { step: "text", of: "text", ms: "number", detail: "text?" },
  "desk-fail": { step: "text", of: "text", ms: "number", message: "text" },
  "desk-undo": { step: "text", of: "text", ok: "flag", message: "text?" },
  notice: { level: "text", code: "text", message: "text" },
};

type Check = (value: unknown) => boolean;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === "string";
// No time of a Date lies further out (ECMA-262, 21.4.1.1), and every number here is a time, a count or a code.
const isNumber: Check = (value) => typeof value === "number" && Math.abs(value) <= 8.64e15;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const record =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
const isTexts = listOf(isText);
const step = record({ id: isText, needs: isTexts, after: isTexts, why: isText, detail: isText });

const CHECKS: { readonly [name: string]: Check } = {
  text: isText,
  number: isNumber,
  flag: (value) => typeof value === "boolean",
  texts: isTexts,
  processes: listOf(record({ pid: isNumber, command: isText })),
  plan: record({
    roots: isTexts,
    closure: isTexts,
    steps: listOf(step),
    left: listOf(record({ service: isText, why: isText })),
    assumed: isTexts,
    orphaned: isTexts,
    renamed: listOf(record({ from: isText, to: isText })),
    changedInits: isTexts,
  }),
};

type CloseEvent = Of<"close">;
const OUTCOMES: Readonly<Record<CloseEvent["outcome"], true>> = {
  done: true,
  degraded: true,
  failed: true,
  interrupted: true,
  reboot: true,
};
const FAILURES: ReadonlySet<number> = new Set(Object.values(EXIT).filter((exit) => exit !== EXIT.ok));

/**
 * Reads a line of a machine's events. A line that is torn, and a kind that is not known because the machine's Bootlace is
 * newer, are passed over.
 *
 * @param run that is followed: no other may be closed.
 * @returns an event whose fields have the types that they are declared with. A run that ended neither done nor degraded
 *   has an exit code of docs/contracts.md that is not 0.
 * @throws {BootlaceError} `E_RUN_RUBBISH` for a known kind in another shape.
 */
export function parseEvent(line: string, run: string): Event | undefined {
  const value = asJson(line);
  if (!isObject(value) || typeof value.k !== "string" || !Object.hasOwn(SHAPES, value.k)) return undefined;
  const fields: Readonly<Record<string, string>> = { t: "number", ...SHAPES[value.k as Kind] };
  for (const [name, form] of Object.entries(fields))
    if (!fits(form, value[name])) throw rubbish(run, line, `${form} expected in "${name}"`);
  const event = value as unknown as Event;
  return event.k === "close" ? checkedClose(event, run, line) : event;
}

function checkedClose(close: CloseEvent, run: string, line: string): CloseEvent {
  if (close.run !== run) throw rubbish(run, line, "it closes another run");
  if (!Object.hasOwn(OUTCOMES, close.outcome)) throw rubbish(run, line, "no such outcome is known");
  const well = close.outcome === "done" || close.outcome === "degraded";
  return well || FAILURES.has(close.exit) ? close : { ...close, exit: EXIT.serviceFailed };
}

function fits(form: string, value: unknown): boolean {
  const optional = form.endsWith("?");
  if (optional && value === undefined) return true;
  return CHECKS[optional ? form.slice(0, -1) : form]?.(value) ?? false;
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function rubbish(run: string, line: string, why: string): BootlaceError {
  return new BootlaceError(
    "E_RUN_RUBBISH",
    `Run ${run} told an event that is none: ${why}, ${line.slice(0, 200)} came`,
  );
}
