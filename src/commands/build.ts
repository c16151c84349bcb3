import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { BootlaceError, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { printError } from "../cli/print-error.ts";
import { worstExit } from "../fleet/result.ts";
import type { Provider } from "../machine/machine.ts";
import { providerNamed } from "../machine/providers.ts";
import { commandLineParams } from "../project/command-line-params.ts";
import { loadProject } from "../project/load-project.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { buildImage } from "../recipe/build/build-image.ts";
import { buildImages, type TargetEnd } from "../recipe/build/build-images.ts";
import { buildReporter } from "../recipe/build/build-reporter.ts";
import { imageArches } from "../recipe/build/image-arches.ts";
import { checkImage, imageConfig } from "../recipe/build/image-config.ts";
import { type ImageTarget, imageOrder, targetName } from "../recipe/build/image-order.ts";
import { publishImage } from "../recipe/build/publish-image.ts";
import type { RuntimeArch } from "../runtime/pinned.ts";
import { throwIfAborted } from "../session/abort.ts";
import { canAsk, decider } from "./build-decision.ts";
import { builtLine, idOf, writeManifest } from "./build-results.ts";
import { textsOf } from "./texts-of.ts";

/** Builds whose machines are somewhere else only wait at this desk. */
const REMOTE_AT_ONCE = 4;

/** `bootlace build IMAGE…`: what is missing below them first, independent ones at the same time. */
const build: CommandRun = async (context) => {
  const { dir, args, options, json, stderr, signal } = context;
  assertCanAsk(context);
  const loaded = await loadProject(dir);
  const params = await commandLineParams(dir, textsOf(options.param));
  const providerOf = (image: string) => providerNamed(text(options.on) ?? imageConfig(loaded, image).on ?? "sandbox");
  const only = text(options.arch) as RuntimeArch | undefined;
  const order = await imageOrder({
    dir,
    asked: args,
    fromOf: (name) => imageConfig(loaded, name).from,
    archesOf: (name) => imageArches(loaded, name, providerOf(name), only),
  });
  // What is wrong with the last one is told before an hour went into the first.
  for (const { image, arch } of order) await checkImage({ dir, image, params }, arch, providerOf(image));
  assertOneResumed(context, order);
  const parallel = parallelOf(context, order, providerOf);
  // Names on standard output are for programs; the way there is for the person beside.
  const shown = options.output === "id" ? { ...context, stdout: stderr } : context;
  const names = order.map((target) => targetName(target, order));
  const several = parallel > 1;
  const reporter = buildReporter(names, several, shown);
  // Beside what else is built: a child starts from what is good, and copies take their time.
  const published = new Map<ImageTarget, Promise<TargetEnd>>();
  const one = async (target: ImageTarget) => {
    const { image, arch } = target;
    const provider = providerOf(image);
    const report = reporter.of(targetName(target, order));
    const asked = args.includes(image);
    const resume = asked ? text(options.resume) : undefined;
    const common = { dir: loaded.dir, provider, report, signal };
    const result = await buildImage({
      ...common,
      image,
      arch,
      params,
      force: options.force === true && asked,
      ...(resume ? { resume } : {}),
      decide: decider(shown, { image, arch, several, quiet: () => reporter.close() }),
    });
    const done = publishImage(result.image, common).then(
      (image): TargetEnd => ({ target, outcome: "there", result: { ...result, image } }),
      (error: unknown): TargetEnd => ({ target, outcome: "failed", error }),
    );
    published.set(target, done);
    return result;
  };
  try {
    const built = await buildImages(order, parallel, one, (end) => tell(shown, end, order, providerOf));
    const after = await Promise.all(published.values());
    // An image that could not be copied is good all the same, and is named as such.
    const ends = built.map(
      (end) => after.find(({ target, outcome }) => target === end.target && outcome === "there") ?? end,
    );
    await tellResults(context, loaded, ends, providerOf);
    const failed = failuresIn([...built, ...after], signal);
    if (failed.length === 0) throwIfAborted(signal);
    return tellFailures(failed, order, { json, stderr, dir, cwd: dir });
  } finally {
    reporter.close();
  }
};

export default build;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function tell(
  { json, stdout }: Pick<CommandContext, "json" | "stdout">,
  end: TargetEnd,
  order: readonly ImageTarget[],
  providerOf: (image: string) => Provider,
): void {
  const name = targetName(end.target, order);
  if (end.outcome === "there" && json) {
    const { built, image } = end.result;
    stdout.write(`${JSON.stringify({ k: "image", t: Date.now(), built, ...image })}\n`);
  } else if (end.outcome === "there") stdout.write(`${builtLine(end.result, name, providerOf(end.target.image))}\n`);
  else if (end.outcome === "blocked") {
    const by = targetName(end.by, order);
    stdout.write(
      json
        ? `${JSON.stringify({ k: "image-blocked", t: Date.now(), image: name, by })}\n`
        : `image ${name} is not built: ${by} was not\n`,
    );
  }
}

async function tellResults(
  { options, stdout }: CommandContext,
  { config }: LoadedProject,
  ends: readonly TargetEnd[],
  providerOf: (image: string) => Provider,
): Promise<void> {
  const there = ends.flatMap((end) => (end.outcome === "there" ? [end.result] : []));
  const manifest = text(options.manifest);
  if (manifest !== undefined) await writeManifest(resolve(manifest), config.name, there, providerOf);
  if (options.output !== "id") return;
  for (const { image } of there) stdout.write(`${idOf(image, providerOf(image.name))}\n`);
}

type Failed = TargetEnd & { readonly outcome: "failed" };

/** An interruption is no failure of an image: what failed before it is. */
function failuresIn(ends: readonly TargetEnd[], { aborted }: AbortSignal): readonly Failed[] {
  const failed = ends.flatMap((end) => (end.outcome === "failed" ? [end] : []));
  return failed.filter(({ error }) => !(aborted && error instanceof Error && error.name === "AbortError"));
}

/** One failure is the command's; of several each is told, and the exit code is that of the worst. */
function tellFailures(
  failed: readonly Failed[],
  order: readonly ImageTarget[],
  view: Parameters<typeof printError>[1],
): ExitCode {
  const [first] = failed;
  if (!first) return EXIT.ok;
  if (failed.length === 1) throw first.error;
  for (const { target, error } of failed) {
    if (!view.json) view.stderr.write(`image ${targetName(target, order)}:\n`);
    printError(error, view);
  }
  return worstExit(failed.map(({ error }) => ({ exit: error instanceof BootlaceError ? error.exit : EXIT.internal })));
}

/** A question that nobody can answer would be answered by cleaning up, after an hour of building. */
function assertCanAsk(context: CommandContext): void {
  if (context.options.onError !== "ask" || canAsk(context)) return;
  throw new BootlaceError("E_USAGE", "Expected a terminal for --on-error ask, and no --json", {
    hint: "Choose --on-error clean or --on-error keep.",
  });
}

function assertOneResumed({ options, args }: CommandContext, order: readonly ImageTarget[]): void {
  if (options.resume === undefined || order.filter(({ image }) => args.includes(image)).length === 1) return;
  throw new BootlaceError("E_USAGE", "--resume goes on with one build: expected one image for one architecture", {
    hint: "Name the image alone, and its architecture: bootlace build IMAGE --arch arm64 --resume ID",
  });
}

function parallelOf(
  { options }: CommandContext,
  order: readonly ImageTarget[],
  providerOf: (image: string) => Provider,
): number {
  if (options.onError === "ask") return 1;
  const asked = options.parallel;
  if (typeof asked === "number" && asked < 1)
    throw new BootlaceError("E_USAGE", `--parallel expects at least 1, "${asked}" came`);
  const remote = order.every(({ image }) => providerOf(image).keepImage !== undefined);
  const most = typeof asked === "number" ? asked : remote ? REMOTE_AT_ONCE : Math.ceil(availableParallelism() / 4);
  return Math.min(most, widest(order));
}

/** How many could be built at the same time at most. */
function widest(order: readonly ImageTarget[]): number {
  const depth = (target: ImageTarget): number => (target.after ? 1 + depth(target.after) : 0);
  const counts = new Map<number, number>();
  for (const target of order) counts.set(depth(target), (counts.get(depth(target)) ?? 0) + 1);
  // A chain beside another one may be longer: what has no successor yet can run beside anything.
  return Math.max(1, ...counts.values(), order.filter((one) => !order.some(({ after }) => after === one)).length);
}
