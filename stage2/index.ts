/** The one door through which the desk (`src/`) uses the machine's code. */
export { ArchiveError } from "./archive/archive-error.ts";
export type { ArchiveLimits } from "./archive/entry-rules.ts";
export { readArchive } from "./archive/read-archive.ts";
export { BootlaceError } from "./errors/bootlace-error.ts";
export { CODES, type ErrorCode } from "./errors/codes.ts";
export { EXIT, type ExitCode } from "./errors/exit.ts";
export { NOTICES } from "./errors/notices.ts";
export { FACT_NAMES } from "./execute/environment.ts";
export { quote } from "./execute/quote.ts";
export { secretForms } from "./execute/redact.ts";
export { type Closure, findClosure } from "./graph/closure.ts";
export { type Node, type Ordering, orderNodes } from "./graph/order.ts";
export { EMPTY_STATE, foldJournal, type MachineState } from "./journal/fold.ts";
export { type FactSources, factsFrom, keyValues } from "./plan/facts-from.ts";
export { makePlan } from "./plan/make-plan.ts";
export { type OwnRoots, rootsFrom } from "./plan/roots-from.ts";
export { isReservedVariable, outputPrefix, variableName } from "./plan/variables.ts";
export { type Explanation, explain } from "./plan/why.ts";
export { duration, eventLines, type Line, toText } from "./report/lines.ts";
export { planLines, whyLines } from "./report/plan-lines.ts";
export { printable } from "./report/printable.ts";
export { shownBytes } from "./report/shown-bytes.ts";
export { type Status, statusLines } from "./report/status.ts";
export { machineHash, readFacts } from "./rim/facts.ts";
export { checkedJournal, readJournal, readState } from "./rim/journal-file.ts";
export { plantKeys } from "./rim/keep-up/plant-keys.ts";
export { memoryFolder } from "./rim/memory.ts";
export { type Paths, pathsUnder } from "./rim/paths.ts";
export { planMachine } from "./rim/plan-machine.ts";
export { createReporter, type Reporter } from "./rim/reporter.ts";
export { newRunId } from "./rim/run/run-machine.ts";
export { ARTIFACT_LIMITS } from "./rim/unpack/place.ts";
export { gunzipped, unpackTar } from "./rim/unpack/unpack-tar.ts";
export type { Fault, Place } from "./types/error.ts";
export { type Event, unreachable } from "./types/event.ts";
export type { Facts, Purpose } from "./types/facts.ts";
export type { Plan, Reason, Step, StepId } from "./types/plan.ts";
export {
  type Action,
  type Artifact,
  type LongRun,
  PACKAGE_MANAGERS,
  type PackageManager,
  type ParamValue,
  PHASES,
  type Phase,
  type Project,
  type Ready,
  type Repositories,
  type Script,
  type Secret,
  type Service,
  type When,
} from "./types/service.ts";
