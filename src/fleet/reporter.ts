import {
  BootlaceError,
  createReporter,
  duration,
  type Event,
  type Plan,
  planLines,
  printable,
} from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { logAt } from "../machine/run/log-at.ts";
import { changesOf } from "./changes-of.ts";
import type { HostResult } from "./result.ts";

/** Shows what happens on one machine or on many at once. */
export interface FleetReporter {
  /** The reader of one machine's events. */
  of(target: string): (event: Event) => void;
  /** What machines would do; those with the same plan are shown together. */
  plans(plans: readonly ShownPlan[]): void;
  /** How it ended, on each. */
  results(results: readonly HostResult[]): void;
  /** Takes a live view off the screen. */
  close(): void;
}

export interface ShownPlan {
  readonly target: string;
  readonly plan: Plan;
  readonly isFirst: boolean;
}

type Out = Pick<CommandContext, "stdout" | "json">;

/** One machine is shown as `up` shows it; of several each line has the machine's name before it. */
export function fleetReporter(targets: readonly string[], { stdout, json }: Out): FleetReporter {
  if (json) return jsonReporter((value) => void stdout.write(`${JSON.stringify(value)}\n`));
  const write = (text: string) => void stdout.write(`${printable(text)}\n`);
  const width = Math.max(0, ...targets.map((target) => target.length));
  const single = targets.length === 1 ? createReporter({ stream: stdout }) : undefined;
  return {
    of: (target) =>
      logAt(
        target,
        single ??
          ((event) => {
            for (const line of changesOf(event)) write(`${target.padEnd(width)} | ${line.text}`);
          }),
      ),
    plans: (plans) => {
      for (const line of planTexts(plans)) write(line);
    },
    results: (results) => {
      single?.close();
      if (targets.length > 1) for (const line of [...resultTexts(results, width), ...hintTexts(results)]) write(line);
    },
    close: () => single?.close(),
  };
}

function jsonReporter(write: (value: object) => void): FleetReporter {
  return {
    of: (target) => (event) => write({ target, ...event }),
    plans: (plans) => {
      for (const { target, plan, isFirst } of plans) write({ target, k: "plan", first: isFirst, plan });
    },
    results: (results) => {
      for (const result of results) write({ k: "result", ...result });
    },
    close: () => {},
  };
}

function planTexts(plans: readonly ShownPlan[]): string[] {
  const same = new Map<string, string[]>();
  for (const { target, plan, isFirst } of plans) {
    const text = planLines(plan)
      .map((line) => line.text)
      .join("\n");
    const key = `${isFirst ? " (first contact)" : ""}: ${text}`;
    same.set(key, [...(same.get(key) ?? []), target]);
  }
  return [...same].map(([text, targets]) => `${targets.join(", ")}${text}`);
}

/** Each machine's end, and a line that counts them. */
function resultTexts(results: readonly HostResult[], width: number): string[] {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [
    ...results.map(({ target, outcome, code, message, run, ms }) => {
      const said = [code && `${code}:`, message].filter(Boolean).join(" ");
      const time = outcome === "not-begun" ? "" : duration(ms);
      return `${target.padEnd(width)}  ${outcome.padEnd(11)} ${time.padStart(7)}  ${said || (run ?? "")}`.trimEnd();
    }),
    `${results.length} machines: ${[...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ")}`,
  ];
}

/**
 * What to do about failures: one hint for each code, of the first machine that has it. A host key is each host's own, so
 * these are all told.
 */
export function hintTexts(results: readonly HostResult[]): string[] {
  const told = new Set<string>();
  return results.flatMap(({ target, code = "", hint }) => {
    const key = code.startsWith("E_SESSION_HOST_KEY") ? `${code} ${hint}` : code;
    if (hint === undefined || told.has(key)) return [];
    told.add(key);
    return [`${target}: ${code}: hint: ${hint}`];
  });
}

/** Of one machine the error is told as any command tells its own. */
export function throwFailure({ target, code, message = "", hint }: HostResult): void {
  if (code === undefined) return;
  const text = message.includes(target) ? message : `${target}: ${message}`;
  throw new BootlaceError(code, text, hint === undefined ? {} : { hint });
}
