import { randomBytes } from "node:crypto";
import { BootlaceError, type Event } from "../../../stage2/index.ts";
import type { ImageRecord } from "../../image/image-record.ts";
import type { Provider } from "../../machine/machine.ts";
import { isAlive } from "../../machine/process-identity.ts";
import type { ParamOverlay } from "../../project/read-project.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";
import { type LedgerEntry, readLedger, removeLedger, thisDesk, writeLedger } from "../ledger.ts";
import { type Decision, type Failure, runRecipe } from "../run-recipe.ts";
import { type BuildPlan, planBuild } from "./build-plan.ts";
import { buildRecipe } from "./build-recipe.ts";
import { smokeName } from "./smoke.ts";
import { stampOf } from "./stamp-of.ts";

export interface BuildOptions {
  readonly dir: string;
  readonly image: string;
  readonly provider: Provider;
  readonly report: (event: Event) => void;
  readonly signal: AbortSignal;
  /** Build even if an image with this key exists. */
  readonly force?: boolean;
  /** Parameters of the command line, laid over those of the image. */
  readonly params?: ParamOverlay;
  /** Default: the first of the image's. */
  readonly arch?: RuntimeArch;
  /** Id of a build that was kept, or whose desk was killed. */
  readonly resume?: string;
  /** What to do after a failure. Default: clean. */
  readonly decide?: (failure: Failure, id: string) => Promise<Decision>;
}

export interface BuildResult {
  readonly image: ImageRecord;
  /** False: an image with this key was there already. */
  readonly built: boolean;
}

/**
 * Builds one image of the project, or answers the one that exists with an unchanged key.
 * What it will create stands in the ledger before it is created; a failure leaves nothing unless it was to be kept.
 */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const { dir, image, provider, report, signal } = options;
  const began = Date.now();
  const { params = {}, arch } = options;
  const wanted = { dir, image, provider, now: began, params, ...(arch && { arch }) };
  const plan = await planBuild(wanted, { report, signal });
  if (plan.same && !options.force && !options.resume) return { image: plan.same, built: false };
  const entry = options.resume ? await resumed(dir, options.resume, plan) : newEntry(plan, provider, began);
  await writeLedger(dir, entry);
  const imageId = entry.image.id;
  const decide = async (failure: Failure): Promise<Decision> => {
    const decision = (await options.decide?.(failure, entry.id)) ?? "clean";
    if (decision === "keep") await writeLedger(dir, { ...entry, state: "kept" });
    return decision;
  };
  const start = { dir, provider, id: entry.id, imageId, began: entry.created, expires: entry.expires, plan };
  let kept = false;
  try {
    const ended = await runRecipe(buildRecipe, start, {
      of: `image ${image}`,
      report,
      signal,
      decide: async (failure) => {
        const decision = await decide(failure);
        kept = decision === "keep";
        return decision;
      },
    });
    return { image: ended.image, built: true };
  } finally {
    if (!kept && (await isGone(provider, dir, entry))) await removeLedger(dir, entry.id);
  }
}

type BuildEntry = LedgerEntry & Required<Pick<LedgerEntry, "image">>;

function newEntry(plan: BuildPlan, provider: Provider, now: number): BuildEntry {
  const imageId = `${stampOf(now)}-${randomBytes(2).toString("hex")}`;
  const id = `build-${plan.image}-${imageId}`;
  const config = plan.loaded.config.images[plan.image];
  return {
    id,
    of: `image ${plan.image}`,
    created: now,
    expires: now + (config?.timeout ?? 3_600_000),
    desk: thisDesk(),
    provider: provider.name,
    machines: [id, smokeName(id)],
    image: { name: plan.image, id: imageId, arch: plan.arch },
    folders: [],
    state: "running",
  };
}

async function resumed(dir: string, id: string, { image, arch }: BuildPlan): Promise<BuildEntry> {
  const entry = await readLedger(dir, id);
  const made = entry?.image;
  if (entry && made && (entry.state === "kept" || !isAlive(entry.desk))) {
    if (made.name !== image || (made.arch ?? arch) !== arch)
      throw new BootlaceError(
        "E_BUILD_UNKNOWN",
        `The build ${id} is of ${made.name} for ${made.arch ?? arch}, not of ${image} for ${arch}`,
        {
          hint: `Go on with it: bootlace build ${made.name} --arch ${made.arch ?? arch} --resume ${id}`,
        },
      );
    return { ...entry, image: made, state: "running", desk: thisDesk(), expires: Date.now() + 3_600_000 };
  }
  if (entry)
    throw new BootlaceError("E_BUILD_UNKNOWN", `The build ${id} is still running, in process ${entry.desk.pid}`, {
      hint: "Go on with it after that process ended.",
    });
  throw new BootlaceError("E_BUILD_UNKNOWN", `There is nothing left of a build ${id}`, {
    hint: "`bootlace gc --plan --all` lists what can be gone on with: builds of --on-error keep, or of a desk that was killed.",
  });
}

/** An undo that failed leaves its entry, so that gc finds the rest. */
async function isGone(provider: Provider, dir: string, entry: LedgerEntry): Promise<boolean> {
  const machines = await Promise.all(entry.machines.map((name) => provider.find(dir, name)));
  return machines.every((machine) => machine === undefined);
}
