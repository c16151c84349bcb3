import { BootlaceError } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { applyTargets } from "../fleet/apply-targets.ts";
import { applyHere } from "./apply-here.ts";

/** Options that mean nothing on the very machine that the command is typed on, and those that mean nothing elsewhere. */
const FLEET_ONLY = [
  "--canary",
  "--parallel",
  "--max-fail",
  "--skip-unreachable",
  "--retry-failed",
  "--take-over",
  "--accept-host-key",
  "--ask-sudo-once",
  "--no-boot-hook",
] as const;
const HERE_ONLY = ["--root"] as const;

/** `bootlace apply TARGET…|--here`: runs the project's services on machines that exist. */
const apply: CommandRun = (context) => {
  const { options, args } = context;
  const here = options.here === true;
  if (here && args.length > 0)
    throw new BootlaceError("E_USAGE", `Expected either --here or targets, got both: ${args.join(" ")}`);
  if (!here && args.length === 0 && options.retryFailed !== true)
    throw new BootlaceError("E_USAGE", "Expected --here or what to apply to: a machine, user@host, @group", {
      hint: "--here is the very machine that this is typed on.",
    });
  const wrong = (here ? FLEET_ONLY : HERE_ONLY).find((flag) => isGiven(options, flag));
  if (wrong !== undefined)
    throw new BootlaceError("E_USAGE", `${wrong} goes ${here ? "with targets, not with" : "only with"} --here`);
  return here ? applyHere(context) : applyTargets(context);
};

export default apply;

/** By commander's names: `--max-fail` is `maxFail`, `--no-boot-hook` makes `bootHook` false. */
function isGiven(options: CommandContext["options"], flag: string): boolean {
  const name = flag.replace(/^--(?:no-)?/, "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return flag.startsWith("--no-") ? options[name] === false : options[name] !== undefined && options[name] !== false;
}
