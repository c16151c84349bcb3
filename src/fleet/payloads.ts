import { BootlaceError } from "../../stage2/index.ts";
import { type Bundle, packBundle } from "../bundle/pack.ts";
import { loadProject } from "../project/load-project.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { obtainRuntime, type Runtime } from "../runtime/obtain-runtime.ts";
import type { Seen } from "./look.ts";
import type { Target } from "./targets.ts";

/** What a fleet shares: a project and its bundle for each set of parameters, a runtime for each architecture. */
export class Payloads {
  readonly #dir: string;
  readonly #projects = new Map<string, Promise<LoadedProject>>();
  readonly #bundles = new Map<LoadedProject, Promise<Bundle>>();
  readonly #runtimes = new Map<string, Promise<Runtime>>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The project with a target's own parameters laid over. */
  project({ params }: Pick<Target, "params">): Promise<LoadedProject> {
    return once(this.#projects, JSON.stringify(params ?? {}), () =>
      loadProject(this.#dir, params === undefined ? {} : { params }),
    );
  }

  bundle(loaded: LoadedProject): Promise<Bundle> {
    return once(this.#bundles, loaded, () => packBundle(loaded));
  }

  /** @throws {BootlaceError} `E_MACHINE_NEEDS` for a processor that no runtime is shipped for. */
  async runtime(loaded: LoadedProject, { cpu, facts }: Seen): Promise<Runtime | "system"> {
    if (loaded.config.runtime === "system") return "system";
    if (!["x86_64", "aarch64", "arm64"].includes(cpu))
      throw new BootlaceError("E_MACHINE_NEEDS", `No runtime is shipped for its processor, ${cpu}`, {
        hint: "Install Node 20 or newer there, and say `runtime: system` in bootlace.yaml.",
      });
    return once(this.#runtimes, facts.arch, () => obtainRuntime(facts.arch));
  }
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const there = known.get(key);
  if (there) return there;
  const made = make();
  known.set(key, made);
  return made;
}
