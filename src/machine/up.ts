import { BootlaceError, type Event } from "../../stage2/index.ts";
import { startImage } from "../image/find-image.ts";
import { loadProject } from "../project/load-project.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { mergeParams } from "../project/merge-params.ts";
import type { ParamOverlay } from "../project/read-project.ts";
import type { RuntimeArch } from "../runtime/pinned.ts";
import { deskStep } from "./desk-step.ts";
import { fillNames, paramsOf } from "./fill-names.ts";
import { lookUp } from "./find-machine.ts";
import type { Hardware, Machine, Provider, Stepping } from "./machine.ts";
import { archOf, hardwareOf, resolveBase } from "./machine-source.ts";
import { providerNamed } from "./providers.ts";
import { applyToMachine, isCurrent, makePayload } from "./run/apply-to-machine.ts";
import { isHooked } from "./run/boot-of.ts";
import type { CloseEvent } from "./run/follow-run.ts";
import { Link } from "./run/link.ts";
import { followBoot } from "./run/run-phase.ts";
import { rootsOf, wantedOf } from "./run/wanted-of.ts";

export interface UpOptions {
  readonly dir: string;
  /** A machine of bootlace.yaml, or an image: then the machine has the image's name. */
  readonly target: string;
  /** Roots instead of the project's; `+NAME` adds. */
  readonly services?: readonly string[];
  /** Parameters of the command line, laid over those of the machine or the image. */
  readonly params?: ParamOverlay;
  /** Overrides `on:`. */
  readonly on?: string;
  readonly onEvent: (event: Event) => void;
  readonly signal: AbortSignal;
}

export interface Up {
  readonly machine: Machine;
  readonly close: CloseEvent;
}

interface Wanted {
  readonly loaded: LoadedProject;
  readonly provider: Provider;
  readonly roots: readonly string[];
  readonly from: Parameters<typeof resolveBase>[1];
  /** Only an image for it will do. */
  readonly only: RuntimeArch | undefined;
  readonly hardware: Hardware & { readonly arch: RuntimeArch };
}

/**
 * Brings a machine to where bootlace.yaml wants it: launches or starts it, follows its boot, delivers the project where
 * the machine has another, follows the run to its end.
 *
 * @throws {BootlaceError} `E_MACHINE_UNKNOWN`, `E_PROVIDER_UNSUPPORTED`, and what launching and running throw.
 */
export async function bringUp(options: UpOptions): Promise<Up> {
  const { dir, target, onEvent, signal } = options;
  const { loaded, provider, roots, from, only, hardware } = await wanted(options);
  const payload = await makePayload(loaded, roots, provider, hardware.arch);
  const known = await lookUp(dir, target);
  const booted = (await known?.status()) !== "running";
  const machine = known ?? (await launched());
  if (known && booted) await deskStep(onEvent, { step: "start", of: `machine ${target}` }, () => known.start(signal));
  const link = new Link(machine);
  const following = { onEvent, signal };
  try {
    const session = await link.session(signal);
    const hooked = await isHooked(session, signal);
    const close = booted && hooked ? await followBoot(link, following) : undefined;
    if (close && (await isCurrent(await link.session(signal), payload))) return { machine, close };
    return { machine, close: await applyToMachine(link, payload, following) };
  } finally {
    await link.close();
  }

  async function launched(): Promise<Machine> {
    const base = await resolveBase(loaded, from, provider, only);
    const of = `machine ${target}`;
    const step: Stepping = (name, act) => deskStep(onEvent, { step: name, of }, act);
    const spec = { name: target, dir, base, purpose: "run", hardware, step } as const;
    return step("launch", () => provider.launch(spec, signal));
  }
}

async function wanted({ dir, target, services, on, params: given = {} }: UpOptions): Promise<Wanted> {
  const project = await loadProject(dir);
  const machine = project.config.machines[target];
  const image = project.config.images[target];
  if (!machine && !image)
    throw new BootlaceError("E_MACHINE_UNKNOWN", `bootlace.yaml has neither a machine nor an image "${target}"`, {
      hint: `It has: ${[...Object.keys(project.config.machines), ...Object.keys(project.config.images)].join(", ") || "none"}.`,
    });
  const config = machine ?? image;
  const from = machine ? machine.from : target;
  const any = typeof from === "string" ? await startImage(dir, from) : undefined;
  const provider = providerNamed(on ?? config?.on ?? any?.provider ?? "sandbox");
  const arch = archOf(config, provider);
  const only = config?.arch === undefined ? undefined : arch;
  const built = typeof from === "string" && only !== undefined ? await startImage(dir, from, only) : any;
  const { params: own = {}, services: named } = wantedOf(project.config, target);
  const params = mergeParams(own, given);
  const loaded = Object.keys(params).length > 0 ? await loadProject(dir, { params }) : project;
  const roots = rootsOf(named ?? built?.roots ?? [], loaded.project, services);
  const ec2 = fillNames(config?.ec2, `${machine ? "machines" : "images"}.${target}`, paramsOf(loaded.project.services));
  return { loaded, provider, roots, from, only, hardware: { ...hardwareOf({ ...config, ec2 }, arch), arch } };
}
