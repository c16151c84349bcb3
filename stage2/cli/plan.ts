import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/codes.ts";
import { makePlan } from "../plan/make-plan.ts";
import { explain } from "../plan/why.ts";
import { toText } from "../report/lines.ts";
import { planLines, whyLines } from "../report/plan-lines.ts";
import { readState } from "../rim/journal-file.ts";
import type { Plan } from "../types/plan.ts";
import { type Arguments, readPhase } from "./arguments.ts";
import { type Machine, machOf, openMachine } from "./machine.ts";

/** `plan`: what a run would do now, and why; nothing is touched. */
export function planCommand(args: Arguments): ExitCode {
  const plan = planOf(openMachine(args), args);
  if (args.values.json) process.stdout.write(`${JSON.stringify(plan)}\n`);
  else process.stdout.write(toText(planLines(plan)));
  return EXIT.ok;
}

/** `why SERVICE`: who brings it along, what was done of it, what would be. */
export function whyCommand(args: Arguments): ExitCode {
  const machine = openMachine(args);
  const [, name] = args.words;
  if (name === undefined || !machine.project.services.some((service) => service.name === name)) {
    throw new BootlaceError(
      name === undefined ? "E_USAGE" : "E_UNKNOWN_SERVICE",
      name === undefined ? "Expected: why SERVICE" : `No service is called "${name}"`,
    );
  }
  const why = explain(machine.project, planOf(machine, args), readState(machine.paths.journal), name);
  process.stdout.write(args.values.json ? `${JSON.stringify(why)}\n` : toText(whyLines(why)));
  return EXIT.ok;
}

function planOf(machine: Machine, { values }: Arguments): Plan {
  const phase = readPhase(values.phase);
  return makePlan({
    project: machine.project,
    roots: machine.roots,
    facts: machine.facts,
    state: readState(machine.paths.journal),
    mach: machOf(machine),
    trigger: "boot",
    ...(phase && { phase }),
    ...(values.rerun && { rerun: values.rerun }),
    ...(values["assume-init"] && { assumeInit: values["assume-init"] }),
  });
}
