import {
  BootlaceError,
  checkedJournal,
  EMPTY_STATE,
  type Facts,
  factsFrom,
  foldJournal,
  type MachineState,
  machineHash,
  makePlan,
  type Phase,
  type Plan,
  type Project,
  rootsFrom,
} from "../../stage2/index.ts";
import type { Seen } from "./look.ts";

/** What somebody asks a machine for. */
export interface Wish {
  /** `-s`; `+NAME` adds to what the machine has by itself. */
  readonly services: readonly string[];
  readonly phase?: Phase;
  readonly rerun: readonly string[];
  readonly assumeInit: readonly string[];
}

export interface PlannedAtDesk {
  readonly plan: Plan;
  readonly state: MachineState;
  readonly facts: Facts;
  /** What `/etc/bootlace/services` is to hold from now on; undefined: it stays as it is. */
  readonly roots?: readonly string[];
}

/**
 * The plan that a machine would make, by its own code, from what was read there.
 *
 * @param ofGroup roots that the machine's group names in bootlace.yaml; they are written to the machine.
 * @throws {BootlaceError} `E_JOURNAL_CORRUPT`, `E_JOURNAL_VERSION`, and what `makePlan()` throws.
 */
export function planAtDesk(seen: Seen, project: Project, wish: Wish, ofGroup?: readonly string[]): PlannedAtDesk {
  const facts = factsFrom(seen.facts);
  const state = stateOf(seen);
  const { phase, rerun, assumeInit } = wish;
  // Asked for in passing: what a boot takes stays as it is.
  const once = phase !== undefined || rerun.length > 0;
  const kept = { services: ofGroup === undefined ? seen.services : lines(ofGroup), tags: seen.tags };
  const asked = rootsFrom(kept, project, wish.services);
  const roots = ofGroup ?? (wish.services.length > 0 && !once ? asked : undefined);
  const plan = makePlan({
    project,
    roots: asked,
    facts,
    state,
    mach: seen.lineage === undefined ? "" : machineHash(facts.machine, seen.lineage),
    trigger: "asked",
    rerun,
    assumeInit,
    ...(phase && { phase }),
  });
  return { plan, state, facts, ...(roots && { roots }) };
}

/** What a machine's journal tells. @throws {BootlaceError} `E_JOURNAL_CORRUPT`, `E_JOURNAL_VERSION`. */
export function stateOf({ journal, lineage }: Seen): MachineState {
  const path = "/var/lib/bootlace/journal";
  if (journal) return foldJournal(checkedJournal(Buffer.from(journal), path).records);
  if (lineage === undefined) return EMPTY_STATE;
  throw new BootlaceError("E_JOURNAL_CORRUPT", `${path} is missing or empty, and Bootlace has run there before`, {
    hint: "Nothing was run. On the machine, `bootlace journal repair` shows what it would keep.",
  });
}

const lines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join("");
