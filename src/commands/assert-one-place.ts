import { BootlaceError } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";

/**
 * Here or there, and `--root` here alone: what would be passed over is refused.
 *
 * @throws {BootlaceError} `E_USAGE`.
 */
export function assertOnePlace({ options }: Pick<CommandContext, "options">, target: string | undefined): void {
  if (target !== undefined && options.here === true)
    throw new BootlaceError("E_USAGE", `Expected either --here or a target, got both: ${target}`);
  if (options.root !== undefined && options.here !== true)
    throw new BootlaceError("E_USAGE", "--root goes only with --here");
}
