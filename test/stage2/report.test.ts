import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clean, consoleLine, duration, eventLines, toText } from "../../stage2/report/lines.ts";
import { printable } from "../../stage2/report/printable.ts";
import { Progress } from "../../stage2/report/progress.ts";
import { createReporter } from "../../stage2/rim/reporter.ts";
import type { Event } from "../../stage2/types/event.ts";
import type { Plan, ScriptStep, StepId } from "../../stage2/types/plan.ts";

const step = (id: StepId, needs: readonly StepId[] = [], after: readonly StepId[] = []): ScriptStep => {
  const [service = "", phase] = id.split(".");
  const detail = "asked for";
  return { kind: "script", id, stage: 0, service, phase: phase as "init", needs, after, why: "new", detail };
};
const plan = (...steps: readonly ScriptStep[]): Plan => ({
  roots: ["web"],
  closure: [],
  steps,
  left: [],
  assumed: [],
  orphaned: [],
  renamed: [],
  changedInits: [],
});
const open = (more: Partial<Plan> = {}): Event & { k: "open" } => ({
  t: 0,
  k: "open",
  run: "r1",
  project: "shop",
  machine: "m",
  boot: "b",
  bundle: "d",
  resumed: false,
  plan: { ...plan(step("db.init"), step("web.init", ["db.init"])), ...more },
});
const close = (more: Partial<Event & { k: "close" }> = {}): Event & { k: "close" } => ({
  t: 9,
  k: "close",
  run: "r1",
  outcome: "done",
  exit: 0,
  failed: [],
  blocked: [],
  ignored: [],
  criticalPath: [],
  criticalMs: 0,
  ms: 1234,
  ...more,
});
const start = (id: StepId, t = 0): Event => ({ t, k: "start", step: id, try: 1, why: "new" });
const done = (id: StepId, ms = 5): Event => ({ t: 0, k: "done", step: id, ms });
const fail = (id: StepId, more: Partial<Event & { k: "fail" }> = {}): Event & { k: "fail" } => ({
  t: 0,
  k: "fail",
  step: id,
  ms: 75_000,
  reason: "exit=3",
  message: "",
  tail: "one\ntwo\n",
  log: "/l/web.init.log",
  ignored: false,
  ...more,
});
const desk = { t: 0, of: "image web", step: "init" };

/** Every kind of event at least once: the type below makes the compiler say when one is missing. */
const EXPECTED: { readonly [K in Event["k"]]: readonly (readonly [Event & { k: K }, readonly string[]])[] } = {
  open: [
    [open(), ["plain run r1 of shop: 2 steps for web"]],
    [
      {
        ...open({ renamed: [{ from: "www", to: "web" }], changedInits: ["db"], orphaned: ["old", "older"] }),
        resumed: true,
      },
      [
        "plain run r1 of shop goes on: 2 steps for web",
        "plain   web takes over what was www",
        "warn   db.init has changed since it ran; run it again with --rerun db.init",
        "warn   left over, no longer in the project: old, older",
      ],
    ],
  ],
  close: [
    [close(), ["good run r1 done in 1.2s"]],
    [
      close({ outcome: "failed", failed: ["a.init"], blocked: ["b.init", "c.init"] }),
      ["bad run r1 failed in 1.2s; failed: a.init; blocked: b.init, c.init"],
    ],
    [
      close({ outcome: "degraded", ignored: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] }),
      ["warn run r1 degraded in 1.2s; failed and ignored: 1, 2, 3, 4, 5, 6, 7, 8 and 2 more"],
    ],
  ],
  start: [
    [{ t: 0, k: "start", step: "web.init", try: 1, why: "new" }, ["dim → web.init (new)"]],
    [{ t: 0, k: "start", step: "web.init", try: 2, why: "changed" }, ["dim → web.init (try 2) (changed)"]],
  ],
  output: [
    [
      { t: 0, k: "output", step: "web.init", text: "a\n\u001b[31mred\u001b[0m\n" },
      ["dim   web.init | a", "dim   web.init | red"],
    ],
  ],
  "output-capped": [[{ t: 0, k: "output-capped", step: "web.init", log: "/l" }, ["warn   web.init | … more in /l"]]],
  retry: [
    [
      { t: 0, k: "retry", step: "web.init", reason: "exit=1", waitMs: 2000 },
      ["warn   web.init: exit=1, again in 2.0s"],
    ],
  ],
  "waiting-ready": [
    [{ t: 0, k: "waiting-ready", step: "web.update", for: "port 80" }, ["dim   web.update waits for port 80"]],
  ],
  done: [[{ t: 0, k: "done", step: "web.init", ms: 950 }, ["good ✔ web.init 950ms"]]],
  fail: [
    [fail("web.init"), ["bad ✖ web.init exit=3 after 1m15s", "dim   log: /l/web.init.log"]],
    [
      fail("web.init", { ignored: true, log: "", reason: "packages", message: "no such package" }),
      ["warn ✖ web.init packages: no such package after 1m15s (ignored)"],
    ],
  ],
  blocked: [[{ t: 0, k: "blocked", step: "web.init", by: "db.init" }, ["bad ⊘ web.init blocked by db.init"]]],
  "left-running": [
    [
      { t: 0, k: "left-running", step: "web.update", processes: [{ pid: 7, command: "httpd\u001b[2J -k" }] },
      ["dim   web.update left process 7 running: httpd -k"],
    ],
  ],
  reboot: [[{ t: 0, k: "reboot", step: "web.init" }, ["warn ↻ web.init asks for a reboot; the run goes on after it"]]],
  notice: [
    [{ t: 0, k: "notice", level: "warning", code: "W_LOG", message: "Lost" }, ["warn ! Lost"]],
    [{ t: 0, k: "notice", level: "info", code: "W_LOG", message: "By the way" }, ["plain By the way"]],
  ],
  "desk-start": [
    [{ ...desk, k: "desk-start" }, ["dim → image web: init"]],
    [{ ...desk, k: "desk-start", detail: "2 services" }, ["dim → image web: init (2 services)"]],
  ],
  "desk-progress": [[{ ...desk, k: "desk-progress", done: 1, unit: "bytes" }, []]],
  "desk-done": [[{ ...desk, k: "desk-done", ms: 10, detail: "3 MB" }, ["good ✔ image web: init (3 MB) 10ms"]]],
  "desk-fail": [
    [{ ...desk, k: "desk-fail", ms: 10, message: "no room" }, ["bad ✖ image web: init after 10ms: no room"]],
  ],
  "desk-undo": [
    [{ ...desk, k: "desk-undo", ok: true }, ["dim ↩ image web: init undone"]],
    [{ ...desk, k: "desk-undo", ok: false, message: "busy" }, ["bad ↩ image web: init could not be undone: busy"]],
  ],
};
const cases: readonly (readonly [Event, readonly string[]])[] = Object.values(EXPECTED).flat();

describe("eventLines()", () => {
  test.each(cases)("tells $k so", (event, lines) => {
    expect(eventLines(event).map(({ tone, text }) => `${tone} ${text}`)).toEqual(lines);
  });
});

test("consoleLine() is one parseable line for each change of state and nothing else", () => {
  const told = cases.flatMap(([event]) => consoleLine(event) ?? []);
  expect(told).toEqual([
    "bootlace[run]: run r1 open steps=2",
    "bootlace[run]: run r1 open steps=2 resumed",
    "bootlace[run]: run r1 done exit=0 ms=1234",
    "bootlace[run]: run r1 failed exit=0 ms=1234",
    "bootlace[run]: run r1 degraded exit=0 ms=1234",
    "bootlace[run]: web.init started try=1 why=new",
    "bootlace[run]: web.init started try=2 why=changed",
    "bootlace[run]: web.init done ms=950",
    "bootlace[run]: web.init failed exit=3 ms=75000",
    "bootlace[run]: web.init failed packages ms=75000 ignored",
    "bootlace[run]: web.init blocked by=db.init",
    "bootlace[run]: web.init reboot",
    "bootlace[run]: warning W_LOG Lost",
  ]);
});

test.each([
  ["colour", "\u001b[1;31mred\u001b[0m", "red"],
  ["clearing the screen", "a\u001b[2Jb\u001b[Hc", "abc"],
  ["a window title", "\u001b]0;owned\u0007x\u001b]8;;http://e\u001b\\y", "xy"],
  ["a two-byte escape", "\u001bcx", "x"],
  ["what a carriage return overwrote", "old 10%\rnew 20%\r", "new 20%"],
  ["bell and delete", "b\u0007c\u007f", "b c "],
  ["a tab", "a\tb", "a\tb"],
])("clean() takes out %s", (_what, text, cleaned) => {
  expect(clean(text)).toBe(cleaned);
});

test("printable() writes control characters out, and leaves text, line ends and tabs", () => {
  expect(printable("a\u001b[2J\u009b1m\u0000\r\u007f é\t✔\nb")).toBe("a\\x1b[2J\\x9b1m\\x00\\x0d\\x7f é\t✔\nb");
});

/** Puts the sequence that clears a screen into every text of a value. */
const hostile = (value: unknown): unknown => {
  if (typeof value === "string") return `${value}\u001b[2J\u009b2J`;
  if (Array.isArray(value)) return value.map(hostile);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === "k" ? one : hostile(one)]));
};

test.each(cases)(
  "eventLines(), Progress and consoleLine() let no escape sequence of a machine's $k through",
  (event) => {
    const came = hostile(event) as Event;
    const progress = new Progress();
    progress.add(hostile(open()) as Event);
    progress.add(came);
    const ended = progress.summary(hostile(close()) as Event & { k: "close" });
    const told = toText([...eventLines(came), ...progress.frame(0, 20), ...ended]) + (consoleLine(came) ?? "");
    expect(told).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  },
);

test.each([
  [0.4, "0ms"],
  [999, "999ms"],
  [1000, "1.0s"],
  [59_940, "59.9s"],
  [60_000, "1m00s"],
  [3_725_000, "62m05s"],
])("duration(%d) is %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

describe("Progress", () => {
  const texts = (lines: readonly { text: string }[]): string[] => lines.map(({ text }) => text.trimEnd());
  const made = (...events: readonly Event[]): Progress => {
    const progress = new Progress();
    for (const event of events) progress.add(event);
    return progress;
  };
  const three = plan(step("db.init"), step("web.init", ["db.init"]), step("web.update", [], ["web.init", "db.init"]));

  test("frame() shows what runs, for how long and with its last line, and what waits for what", () => {
    const progress = made(open(three), start("db.init", 1000));
    progress.add({ t: 0, k: "output", step: "db.init", text: "one\ntwo\n" });
    expect(texts(progress.frame(3500, 20))).toEqual([
      "● db.init 2.5s  two",
      "○ web.init waits for db.init",
      "○ web.update waits for web.init, db.init",
    ]);
    progress.add(done("db.init"));
    progress.add(start("web.init", 4000));
    progress.add({ t: 0, k: "waiting-ready", step: "web.init", for: "port 80" });
    expect(texts(progress.frame(4000, 20))).toEqual([
      "● web.init 0ms  waits for port 80",
      "○ web.update waits for web.init",
    ]);
    progress.add(fail("web.init"));
    expect(texts(progress.frame(4000, 20))).toEqual(["○ web.update waits for its turn"]);
  });

  test("frame() has no more rows than fit, and says how many it leaves out", () => {
    const many = plan(...Array.from({ length: 30 }, (_, at) => step(`s${at}.init`)));
    const progress = made(open(many), start("s0.init"), start("s1.init"));
    const rows = texts(progress.frame(0, 6));
    expect(rows.slice(2)).toEqual([
      "○ s2.init waits for its turn",
      "○ s3.init waits for its turn",
      "○ s4.init waits for its turn",
      "○ and 25 more",
    ]);
  });

  test("frame() shows steps of the desk with how far they are, until they end", () => {
    const progress = made({ ...desk, k: "desk-start" });
    progress.add({ ...desk, k: "desk-progress", done: 2_500_000, total: 10_000_000, unit: "bytes" });
    expect(texts(progress.frame(1000, 9))).toEqual(["● image web: init 1.0s  2.4 MiB of 9.5 MiB"]);
    progress.add({ ...desk, k: "desk-progress", done: 3, unit: "items" });
    expect(texts(progress.frame(1000, 9))).toEqual(["● image web: init 1.0s  3"]);
    progress.add({ ...desk, k: "desk-done", ms: 1 });
    expect(progress.frame(1000, 9)).toEqual([]);
  });

  test("summary() has each step's end and time, and marks the chain that decided how long it took", () => {
    const four = plan(step("db.init"), step("web.init", ["db.init"]), step("a.init"), step("b.init"));
    const progress = made(open(four), done("db.init", 1500), fail("web.init", { ms: 300 }));
    progress.add(fail("a.init", { ms: 20, ignored: true }));
    progress.add({ t: 0, k: "blocked", step: "b.init", by: "web.init" });
    const lines = progress.summary(close({ criticalPath: ["db.init", "web.init"], criticalMs: 1800, ms: 1900 }));
    expect(lines.map(({ tone, text }) => `${tone} ${text.trimEnd()}`)).toEqual([
      "plain   db.init   done        1.5s  *",
      "bad   web.init  failed     300ms  *",
      "warn   a.init    ignored     20ms",
      "bad   b.init    blocked",
      "dim   * critical path 1.8s of 1.9s",
    ]);
  });
});

/** A stream that remembers; with `rows` it says that it is a terminal. */
class Screen extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly rows = 24;
  readonly columns = 40;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  /** What stands on the screen after all that was written: only the two sequences that the reporter uses. */
  shown(): string[] {
    const lines = [""];
    for (const [part] of this.text.matchAll(/\u001b\[(\d+)A\u001b\[J|\u001b\[\d+m|\n|[^\u001b\n]+/g)) {
      const up = /^\u001b\[(\d+)A/.exec(part);
      if (up) lines.splice(lines.length - 1 - Number(up[1]), Number.POSITIVE_INFINITY, "");
      else if (part === "\n") lines.push("");
      else if (!part.startsWith("\u001b")) lines[lines.length - 1] += part;
    }
    return lines.slice(0, -1);
  }
}

describe("createReporter()", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubEnv("NO_COLOR", "");
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });
  const RUN: readonly Event[] = [
    open(),
    start("db.init"),
    { t: 0, k: "output", step: "db.init", text: "working\n" },
    done("db.init"),
    start("web.init"),
    fail("web.init"),
    close({ outcome: "failed", failed: ["web.init"] }),
  ];

  test("draws on a terminal what runs, erases what it drew, and leaves each finished thing there once", () => {
    const screen = new Screen(true);
    const reporter = createReporter({ stream: screen });
    for (const event of RUN.slice(0, 3)) reporter({ ...event, t: Date.now() });
    vi.advanceTimersByTime(1000);
    expect(screen.shown()).toEqual([
      "run r1 of shop: 2 steps for web",
      "● db.init 1.0s  working",
      "○ web.init waits for db.init",
    ]);
    expect(screen.text).toContain("\u001b[2m○");
    for (const event of RUN.slice(3)) reporter({ ...event, t: Date.now() });
    vi.advanceTimersByTime(1000);
    reporter.close();
    const left = [
      "run r1 of shop: 2 steps for web",
      "✔ db.init 5ms",
      "✖ web.init exit=3 after 1m15s",
      "  log: /l/web.init.log",
      "  │ one",
      "  │ two",
      "  db.init   done         5ms",
      "  web.init  failed     1m15s",
      "run r1 failed in 1.2s; failed: web.init",
    ];
    expect(screen.shown()).toEqual(left);
    vi.advanceTimersByTime(1000);
    expect(screen.shown()).toEqual(left);
  });

  test("cuts rows of the live part at the terminal's width, so that each is one row to erase", () => {
    const screen = new Screen(true);
    const reporter = createReporter({ stream: screen });
    for (const event of RUN.slice(0, 2)) reporter(event);
    reporter({ t: 0, k: "output", step: "db.init", text: "x".repeat(500) });
    vi.advanceTimersByTime(100);
    expect(Math.max(...screen.shown().map((line) => line.length))).toBe(39);
    reporter.close();
    expect(screen.shown()).toEqual(["run r1 of shop: 2 steps for web"]);
  });

  test("writes plain lines where there is no terminal, or where no live part is wanted", () => {
    const [file, terminal] = [new Screen(false), new Screen(true)];
    vi.stubEnv("NO_COLOR", "1");
    for (const reporter of [createReporter({ stream: file }), createReporter({ stream: terminal, live: false })])
      for (const event of RUN) reporter(event);
    vi.advanceTimersByTime(1000);
    expect(file.text).toContain("→ db.init (new)\n  db.init | working\n✔ db.init 5ms\n→ web.init (new)\n");
    expect(file.text).not.toContain("\u001b");
    expect(terminal.text).toBe(file.text);
  });

  test("writes with json one event a line and nothing else, on a terminal too", () => {
    const screen = new Screen(true);
    const reporter = createReporter({ stream: screen, json: true });
    for (const event of RUN) reporter(event);
    reporter.close();
    vi.advanceTimersByTime(1000);
    const lines = screen.text.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as Event)).toEqual(RUN);
  });
});
