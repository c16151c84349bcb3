import { consoleEnd } from "../machine/console.ts";

/** What a machine's console tells of its last run. */
export interface ConsoleState {
  /** Undefined: the console tells of none. */
  readonly run: string | undefined;
  /** Undefined while it is open. */
  readonly outcome: string | undefined;
  readonly exit: number | undefined;
  /** Steps that have begun and not ended. */
  readonly running: readonly string[];
  /** `web.update failed exit=1 ms=20`, `shop.update blocked by=web.update`. */
  readonly failed: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads the lines that a run at boot writes (`bootlace[run]: …`, docs/contracts.md); the last run counts. */
export function readConsoleState(text: string): ConsoleState {
  let run: string | undefined;
  let end: RegExpExecArray | undefined;
  let running = new Set<string>();
  let failed: string[] = [];
  let warnings: string[] = [];
  for (const [, said = ""] of text.matchAll(/bootlace\[run\]: ([^\r\n]*)/g)) {
    const [, id, what = ""] = /^run (\S+) (\S+)/.exec(said) ?? [];
    const [, warning] = /^warning (.*)$/.exec(said) ?? [];
    const [, step = "", how] = /^(\S+\.\S+) (started|done|failed|blocked|reboot)\b/.exec(said) ?? [];
    if (id !== undefined && what === "open") {
      [run, end, running, failed] = [id, undefined, new Set(), []];
      // What was said before a run that goes on belongs to it.
      if (!said.endsWith(" resumed")) warnings = [];
    } else if (id !== undefined) end = /^run \S+ (\S+) exit=(\d+)/.exec(said) ?? end;
    else if (warning !== undefined) warnings.push(warning);
    else if (how === "started") running.add(step);
    else if (how !== undefined) running.delete(step);
    if (how === "failed" || how === "blocked") failed.push(said);
  }
  const exit = end?.[2] === undefined ? undefined : Number(end[2]);
  return { run, outcome: end?.[1], exit, running: end ? [] : [...running], failed, warnings };
}

/** For a person; the console's end where it tells of no run. */
export function consoleStateLines(state: ConsoleState, text: string): readonly string[] {
  const { run, outcome, exit, running, failed, warnings } = state;
  if (run === undefined) {
    const shown = consoleEnd(text);
    return [shown === "" ? "the console is empty" : `the console tells of no run; its end:\n${shown}`];
  }
  return [
    outcome === undefined ? `run ${run} is open` : `run ${run} ${outcome}, exit ${exit}`,
    ...running.map((step) => `  ${step} is running`),
    ...failed.map((line) => `  ${line}`),
    ...warnings.map((line) => `  warning ${line}`),
  ];
}
