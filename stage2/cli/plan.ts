import { BootlaceError } from "../errors/bootlace-error.ts";
import { EXIT, type ExitCode } from "../errors/exit.ts";
import { explain } from "../plan/why.ts";
import { toText } from "../report/lines.ts";
import { planLines, whyLines } from "../report/plan-lines.ts";
import { planMachine } from "../rim/plan-machine.ts";
import { type Arguments, readPhase } from "./arguments.ts";
import { type Machine, openMachine } from "./machine.ts";

/** `plan`: what a run would do now, and why; nothing is touched. */
export function planCommand(args: Arguments): ExitCode {
  const { plan } = planOf(openMachine(args), args);
  process.stdout.write(args.values.json ? `${JSON.stringify(plan)}\n` : toText(planLines(plan)));
  return EXIT.ok;
}

/** `why SERVICE`: who brings it along, what was done of it, what would be. */
export function whyCommand(args: Arguments): ExitCode {
  const machine = openMachine(args);
  const [, name] = args.words;
  if (name === undefined) throw new BootlaceError("E_USAGE", "Expected: why SERVICE");
  const { plan, state } = planOf(machine, args);
  const why = explain(machine.project, plan, state, name);
  process.stdout.write(args.values.json ? `${JSON.stringify(why)}\n` : toText(whyLines(why)));
  return EXIT.ok;
}

function planOf({ paths, project, roots, facts }: Machine, { values }: Arguments) {
  const phase = readPhase(values.phase);
  return planMachine(paths, {
    project,
    roots,
    facts,
    trigger: "boot",
    ...(phase && { phase }),
    ...(values.rerun && { rerun: values.rerun }),
    ...(values["assume-init"] && { assumeInit: values["assume-init"] }),
  });
}
