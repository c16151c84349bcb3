import type { ParamValue, Service } from "../../stage2/index.ts";
import type { LoadedProject } from "./loaded.ts";
import { type ParamOverlay, readProject } from "./read-project.ts";

/** Parameters from somewhere, and from where: `image`. */
export interface NamedOverlay {
  readonly from: string;
  readonly values: ParamOverlay;
}

type Notes = Readonly<Record<string, Readonly<Record<string, { readonly value: ParamValue; readonly from: string }>>>>;

/**
 * The values that services get, and where each came from: `default` of the service itself, `extends NAME`, `project`, or
 * the name of an overlay. Reads the project's sources again, since the compiled form does not know.
 *
 * @param overlays laid over the project's, the last one on top.
 */
export async function paramNotes(
  { dir, config }: Pick<LoadedProject, "dir" | "config">,
  services: readonly Pick<Service, "name" | "params">[],
  overlays: readonly NamedOverlay[],
): Promise<Notes> {
  const used = services.filter(({ params }) => Object.keys(params).length > 0);
  if (used.length === 0) return {};
  const { definitions } = await readProject(dir);
  const all: readonly NamedOverlay[] = [{ from: "project", values: config.params }, ...overlays];
  const fromOf = (service: string, param: string): string => {
    const overlay = all.findLast(({ values }) => Object.hasOwn(values[service] ?? {}, param));
    if (overlay) return overlay.from;
    const definition = definitions.get(service);
    const source = definition?.originOf(["params", param, "default"]);
    return source === undefined || source === definition?.own ? "default" : `extends ${source.name}`;
  };
  return Object.fromEntries(
    used.map(({ name, params }) => [
      name,
      Object.fromEntries(Object.entries(params).map(([param, value]) => [param, { value, from: fromOf(name, param) }])),
    ]),
  );
}
