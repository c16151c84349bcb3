import { readArguments } from "./cli/arguments.ts";
import { checkpointCommand, journalCommand } from "./cli/journal.ts";
import { planCommand, whyCommand } from "./cli/plan.ts";
import { bootCommand, runCommand } from "./cli/run.ts";
import { doCommand, envCommand } from "./cli/scripts.ts";
import { logsCommand, statusCommand } from "./cli/status.ts";
import { BootlaceError } from "./errors/bootlace-error.ts";
import { CODES } from "./errors/codes.ts";
import { EXIT, type ExitCode } from "./errors/exit.ts";

const HELP = `bootlace on this machine

  bootlace status [--json]             what is done, what failed, what is left over
  bootlace plan [-s NAME…] [--json]    what a run would do now, and why
  bootlace why SERVICE                 who brings it along, what was done, what is next
  bootlace run [-s NAME…] [--phase P] [--rerun SERVICE.PHASE] [--assume-init SERVICE]
               [--own] [--jobs N] [--wait] [--strict] [--json | --plain]
  bootlace logs [SERVICE[.PHASE]] [--run ID]
  bootlace do [SERVICE.ACTION [key=value…]]
  bootlace env SERVICE.PHASE [--shell] that script's environment, or a shell in it
  bootlace journal show | repair [--yes]

Examples
  bootlace status
  bootlace run -s metrics              ask for one more service
  bootlace run --own -s metrics        update it where this machine has it anyway, else nothing
  bootlace run --rerun web.init        run an init again
  bootlace env web.update --shell      stand where the script stands
`;

const COMMANDS = {
  boot: bootCommand,
  run: runCommand,
  plan: planCommand,
  why: whyCommand,
  status: statusCommand,
  logs: logsCommand,
  do: doCommand,
  env: envCommand,
  journal: journalCommand,
  checkpoint: checkpointCommand,
} as const;

async function main(argv: readonly string[]): Promise<ExitCode> {
  process.umask(0o022);
  const args = readArguments(argv);
  const [name] = args.words;
  if (args.values.help || name === undefined) {
    process.stdout.write(HELP);
    return name === undefined && !args.values.help ? EXIT.usage : EXIT.ok;
  }
  if (args.values.handoff !== undefined && args.values.handoff !== "1") {
    throw new BootlaceError("E_HANDOFF", `stage1 speaks hand-off ${args.values.handoff}, this runner knows 1`);
  }
  if (!Object.hasOwn(COMMANDS, name))
    throw new BootlaceError("E_USAGE", `There is no command "${name}"`, { hint: "See bootlace --help." });
  return COMMANDS[name as keyof typeof COMMANDS](args);
}

main(process.argv.slice(2)).then(
  (exit) => {
    process.exitCode = exit;
  },
  (error: unknown) => {
    const known = error instanceof BootlaceError;
    const text = known
      ? `${error.code}: ${error.message}\n  ${error.hint ?? (error.code === "E_USAGE" ? "See bootlace --help." : CODES[error.code].remedy)}`
      : `E_INTERNAL: ${error instanceof Error ? error.stack : error}`;
    process.stderr.write(`error ${text}\n`);
    process.exitCode = known ? error.exit : EXIT.internal;
  },
);
