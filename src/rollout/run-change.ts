import { createReporter } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import type { Change } from "./change.ts";

/** Milliseconds between two looks at AWS. */
export const LOOK_EVERY = 5_000;

export interface Told {
  /** `web/2026… (ami-… in eu-west-1) to asg:shop-web`. */
  readonly title: string;
  readonly planned: boolean;
  /** Milliseconds between two looks. */
  readonly every: number;
}

/** Shows a change, or makes it and shows how it goes; the same for `rollout` and `rollback`. */
export async function runChange(
  change: Change,
  { title, planned, every }: Told,
  { json, stdout, signal }: Pick<CommandContext, "json" | "stdout" | "signal">,
): Promise<void> {
  const { make, lines, facts } = change;
  if (!json) stdout.write(`${title}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  const last = (more: Readonly<Record<string, unknown>>): void =>
    void (json && stdout.write(`${JSON.stringify({ k: "rollout", ...facts, ...more, planned })}\n`));
  if (planned || !make) return last({ changed: false });
  const reporter = createReporter({ stream: stdout, json });
  try {
    const made = await make({ report: reporter, signal, every });
    reporter.close();
    last({ ...made, changed: true });
  } finally {
    reporter.close();
  }
}
