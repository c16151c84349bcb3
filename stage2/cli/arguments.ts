import { type ParseArgsConfig, parseArgs } from "node:util";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { PHASES, type Phase } from "../types/service.ts";

/** Options that the commands on a machine know; each reads those that concern it. */
const OPTIONS = {
  handoff: { type: "string" },
  root: { type: "string" },
  run: { type: "string" },
  purpose: { type: "string" },
  service: { type: "string", short: "s", multiple: true },
  phase: { type: "string" },
  jobs: { type: "string" },
  rerun: { type: "string", multiple: true },
  "assume-init": { type: "string", multiple: true },
  own: { type: "boolean" },
  wait: { type: "boolean" },
  strict: { type: "boolean" },
  json: { type: "boolean" },
  plain: { type: "boolean" },
  yes: { type: "boolean" },
  shell: { type: "boolean" },
  follow: { type: "boolean", short: "f" },
  "no-reboot": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsConfig["options"];

/** @throws {BootlaceError} `E_USAGE`. */
export function readArguments(argv: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    return { values, words: positionals };
  } catch (error) {
    throw new BootlaceError("E_USAGE", error instanceof Error ? error.message : String(error), {
      hint: "See bootlace --help.",
    });
  }
}

export type Arguments = ReturnType<typeof readArguments>;

/** @throws {BootlaceError} `E_USAGE` where it is not one of the phases. */
export function readPhase(text: string | undefined): Phase | undefined {
  const phase = PHASES.find((known) => known === text);
  if (text !== undefined && phase === undefined) {
    throw new BootlaceError("E_USAGE", `Expected --phase ${PHASES.join(" | ")}, got "${text}"`);
  }
  return phase;
}

/** @throws {BootlaceError} `E_USAGE` where it is not a whole number above 0. */
export function readJobs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new BootlaceError("E_USAGE", `Expected --jobs with a whole number above 0, got "${text}"`);
  return jobs;
}
