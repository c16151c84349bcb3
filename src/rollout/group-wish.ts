import { BootlaceError } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import type { GroupWish } from "./to-group.ts";

/** What the command line says of a refresh. @throws {BootlaceError} `E_USAGE`. */
export function groupWish(options: CommandContext["options"]): GroupWish {
  const { minHealthy, maxFail = 1, checkpointDelay } = options;
  const checkpoints = checkpointsOf(options.checkpoint);
  if (minHealthy !== undefined && !isPercent(minHealthy))
    throw new BootlaceError("E_USAGE", `--min-healthy expects per cents from 0 to 100, "${minHealthy}" came`);
  if (typeof maxFail !== "number" || maxFail < 0)
    throw new BootlaceError("E_USAGE", `--max-fail expects a number from 0, "${maxFail}" came`);
  if (checkpointDelay !== undefined && checkpoints.length === 0)
    throw new BootlaceError("E_USAGE", "--checkpoint-delay says something of --checkpoint only: expected both");
  const rollBack = options.rollback !== false;
  return {
    care: {
      minHealthy: minHealthy as number | undefined,
      checkpoints,
      checkpointDelay: checkpointDelay as number | undefined,
      rollBack,
    },
    maxFail: rollBack ? maxFail : undefined,
    wait: options.wait !== false,
  };
}

const isPercent = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= 100;

/** `20,50` → 20, 50, 100: the last one has to be all ("CheckpointPercentages", Amazon EC2 Auto Scaling API Reference). */
function checkpointsOf(text: unknown): readonly number[] {
  if (text === undefined) return [];
  const points = String(text).split(",").map(Number);
  const rising = points.every((point, at) => isPercent(point) && point > (points[at - 1] ?? 0));
  if (!rising)
    throw new BootlaceError("E_USAGE", `--checkpoint expects rising per cents such as 20,50; "${text}" came`);
  return points.at(-1) === 100 ? points : [...points, 100];
}
