import { BootlaceError, type Fault } from "../../stage2/index.ts";
import type { RemoteUse } from "../project/compile-remote.ts";
import { sortFaults } from "../project/fault-list.ts";
import { type ParamOverlay, readProject } from "../project/read-project.ts";
import type { RemoteSource } from "./remote-source.ts";

/** One source, and everybody who names it. */
export interface NamedSource {
  readonly source: RemoteSource;
  readonly uses: readonly RemoteUse[];
  /** What service.yaml says its SHA-256 is. */
  readonly sha256: string | undefined;
}

/** What `bootlace lock` is there to mend. */
const MENDED: ReadonlySet<Fault["code"]> = new Set(["E_ARTIFACT_UNLOCKED", "E_ARTIFACT_DIGEST"]);

/**
 * Every source that the project names, sorted; also those that only an image, a machine or a group has, whose parameters
 * may stand in an address.
 *
 * @throws {BootlaceError} `E_CHECK` for faults that a lock cannot mend; `E_NO_PROJECT`.
 */
export async function namedSources(
  dir: string,
): Promise<{ readonly sources: readonly NamedSource[]; readonly services: readonly string[] }> {
  const first = await readProject(dir);
  const overlays = new Map<string, ParamOverlay>();
  for (const group of [first.config.images, first.config.machines, first.config.groups]) {
    for (const { params } of Object.values(group)) if (params) overlays.set(JSON.stringify(params), params);
  }
  const uses = new Map<string, RemoteUse[]>();
  const faults: Fault[] = [];
  const add = (read: {
    readonly remotes: readonly RemoteUse[];
    readonly faults: { readonly errors: readonly Fault[] };
  }) => {
    for (const use of read.remotes) uses.set(use.source.id, [...(uses.get(use.source.id) ?? []), use]);
    faults.push(...read.faults.errors.filter(({ code }) => !MENDED.has(code)));
  };
  add(first);
  for (const params of overlays.values()) add(await readProject(dir, params));
  const sources = [...uses].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, of]) => together(of, faults));
  if (faults.length > 0) {
    const told = [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
    throw new BootlaceError("E_CHECK", `${told.length === 1 ? "One fault" : `${told.length} faults`} in the project`, {
      faults: sortFaults(told),
    });
  }
  return { sources, services: [...first.definitions.keys()] };
}

function together(uses: readonly RemoteUse[], faults: Fault[]): NamedSource[] {
  const [first] = uses;
  if (first === undefined) return [];
  const pinned = uses.find(({ sha256 }) => sha256 !== undefined);
  const other = uses.find(({ sha256 }) => sha256 !== undefined && sha256 !== pinned?.sha256);
  if (pinned && other) {
    faults.push({
      code: "E_ARTIFACT_DIGEST",
      severity: "error",
      message: `${other.service} expects ${other.sha256}, ${pinned.service} expects ${pinned.sha256} from the same source`,
      place: other.place,
      related: { message: `${pinned.service} names it here`, place: pinned.place },
    });
  }
  return [{ source: first.source, uses, sha256: pinned?.sha256 }];
}
