import type { CommandContext } from "../cli/command.ts";
import type { Machine } from "../machine/machine.ts";
import { Link } from "../machine/run/link.ts";
import { askDecision } from "../recipe/ask.ts";
import type { BuildOptions } from "../recipe/build/build-image.ts";

type Asked = Pick<CommandContext, "options" | "json" | "stdout" | "signal">;

interface Deciding {
  readonly image: string;
  readonly arch: string;
  /** Others are built at the same time: nobody is asked unless that was asked for. */
  readonly several: boolean;
  /** Takes the live view off the screen. */
  readonly quiet: () => void;
}

export const canAsk = ({ json, stdout }: Pick<CommandContext, "json" | "stdout">): boolean =>
  process.stdin.isTTY === true && stdout.isTTY === true && !json;

/** What to do after a failure: as `--on-error` says; at a terminal the person is asked. */
export function decider(
  context: Asked,
  { image, arch, several, quiet }: Deciding,
): NonNullable<BuildOptions["decide"]> {
  const { options, json, stdout, signal } = context;
  const terminal = canAsk(context);
  const mode = typeof options.onError === "string" ? options.onError : terminal && !several ? "ask" : "clean";
  return async (failure, id) => {
    const decision =
      mode === "ask" && terminal
        ? await askDecision(failure, {
            stdin: process.stdin,
            stdout: process.stdout,
            signal,
            quiet,
            shell: ({ context, error }) => shellIn(context.machine as Machine | undefined, error, signal),
          })
        : mode === "keep"
          ? "keep"
          : "clean";
    if (decision === "keep" && !json)
      stdout.write(`Kept. Go on: bootlace build ${image} --arch ${arch} --resume ${id}; look: bootlace shell ${id}\n`);
    return decision;
  };
}

/** The environment of the first script that failed, or plain root where none did. */
async function shellIn(machine: Machine | undefined, error: unknown, signal: AbortSignal): Promise<void> {
  if (!machine) return;
  const step = /: ([a-z][a-z0-9/-]*\.(?:init|update|seal))\b/.exec(error instanceof Error ? error.message : "")?.[1];
  const link = new Link(machine);
  try {
    const session = await link.session(signal);
    const argv = step ? { argv: ["/usr/lib/bootlace/bootlace", "env", step, "--shell"] } : {};
    await session.shell({ ...argv, stdin: process.stdin, stdout: process.stdout, signal });
  } finally {
    await link.close();
  }
}
