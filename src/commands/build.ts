import { BootlaceError, createReporter, EXIT, shownBytes } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { age } from "../image/age.ts";
import type { Machine } from "../machine/machine.ts";
import { providerNamed } from "../machine/providers.ts";
import { Link } from "../machine/run/link.ts";
import { commandLineParams } from "../project/command-line-params.ts";
import { loadProject } from "../project/load-project.ts";
import { askDecision } from "../recipe/ask.ts";
import { type BuildOptions, buildImage } from "../recipe/build/build-image.ts";
import { checkImage, imageConfig } from "../recipe/build/image-config.ts";
import { imageOrder } from "../recipe/build/image-order.ts";
import { textsOf } from "./texts-of.ts";

/** `bootlace build IMAGE… [--force] [--on-error ask|clean|keep] [--resume ID]` */
const build: CommandRun = async (context) => {
  const { dir, args, options, json, stdout, signal } = context;
  assertCanAsk(context);
  const loaded = await loadProject(dir);
  const reporter = createReporter({ stream: stdout, json });
  const tell = (text: string) => json || stdout.write(`${text}\n`);
  try {
    const params = await commandLineParams(dir, textsOf(options.param));
    const order = await imageOrder(dir, args, (name) => imageConfig(loaded, name).from);
    const providerOf = (image: string) => providerNamed(text(options.on) ?? imageConfig(loaded, image).on ?? "sandbox");
    // What is wrong with the last one is told before an hour went into the first.
    for (const image of order) await checkImage({ dir, image, params }, providerOf(image));
    for (const image of order) {
      const provider = providerOf(image);
      const resume = args.includes(image) ? text(options.resume) : undefined;
      const result = await buildImage({
        dir: loaded.dir,
        image,
        provider,
        report: reporter,
        signal,
        params,
        force: options.force === true && args.includes(image),
        ...(resume ? { resume } : {}),
        decide: decider(context, image, () => reporter.close()),
      });
      const { id, created, layers } = result.image;
      if (json)
        stdout.write(`${JSON.stringify({ k: "image", t: Date.now(), built: result.built, ...result.image })}\n`);
      const own = layers.at(-1);
      const size = own ? shownBytes(own.bytes) : (provider.locate?.(result.image.origin) ?? "");
      tell(
        result.built
          ? `image ${image}/${id}, ${size}. Start it: bootlace up ${image}`
          : `image ${image}/${id} is unchanged, ${age(Date.now() - created)} old. Build it all the same: --force`,
      );
    }
  } finally {
    reporter.close();
  }
  return EXIT.ok;
};

export default build;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** A question that nobody can answer would be answered by cleaning up, after an hour of building. */
function assertCanAsk(context: CommandContext): void {
  if (context.options.onError !== "ask" || canAsk(context)) return;
  throw new BootlaceError("E_USAGE", "Expected a terminal for --on-error ask, and no --json", {
    hint: "Choose --on-error clean or --on-error keep.",
  });
}

const canAsk = ({ json, stdout }: CommandContext): boolean =>
  process.stdin.isTTY === true && stdout.isTTY === true && !json;

function decider(context: CommandContext, image: string, quiet: () => void): NonNullable<BuildOptions["decide"]> {
  const { options, json, stdout, signal } = context;
  const terminal = canAsk(context);
  const mode = text(options.onError) ?? (terminal ? "ask" : "clean");
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
      stdout.write(`Kept. Go on: bootlace build ${image} --resume ${id}; look: bootlace shell ${id}\n`);
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
