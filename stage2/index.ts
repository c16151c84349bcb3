/** The one door through which the desk (`src/`) uses the machine's code. */
export { BootlaceError } from "./errors/bootlace-error.ts";
export { CODES, type ErrorCode, EXIT, type ExitCode } from "./errors/codes.ts";
export { type Node, type Ordering, orderNodes } from "./graph/order.ts";
export { isReservedVariable, outputPrefix, variableName } from "./plan/variables.ts";
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
