import type { Place } from "../../stage2/index.ts";
import { SERVICE_NAME } from "../manifest/names.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import type { Path, SourceFile } from "../manifest/source-file.ts";
import { referencesOf, unknownService } from "./check-graph.ts";
import { type Definition, resolveDefinition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";
import { findLocalServices, findStockService, stockServiceNames } from "./find-services.ts";
import type { ServiceSource } from "./service-source.ts";
import type { Stamps } from "./stamps.ts";

interface Collected {
  /** Every local service, and the stock services that something refers to. */
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Names that are required, ordered after, or roots somewhere. */
  readonly referenced: ReadonlySet<string>;
  /** Names that something extends. */
  readonly extended: ReadonlySet<string>;
  /** All that were read, those with faults included. */
  readonly known: ReadonlySet<string>;
}

/** Reads all services of a project, resolves `extends`, and reports names that nothing has. */
export function collectDefinitions(
  dir: string,
  config: ProjectConfig,
  configSource: SourceFile,
  parts: { stamps: Stamps; faults: FaultList },
): Collected {
  const { faults } = parts;
  const sources = findLocalServices(dir, parts);
  const known = (): string[] => [...sources.keys(), ...stockServiceNames()];
  const definitions = new Map<string, Definition>();
  const referenced = new Set<string>();
  const extended = new Set<string>();

  const find = (name: string): ServiceSource | undefined => {
    const found = sources.get(name) ?? findStockService(name, parts);
    if (found) sources.set(name, found);
    return found;
  };
  const base = (name: string, from: ServiceSource): ServiceSource | undefined => {
    extended.add(name);
    const found = find(name);
    if (!found && SERVICE_NAME.test(name)) unknownService(name, known(), from.source.place(["extends"]), faults);
    return found;
  };
  const waiting: ServiceSource[] = [...sources.values()];
  const refer = (name: string, place: () => Place): void => {
    referenced.add(name);
    if (sources.has(name) && (definitions.has(name) || !name.startsWith("bootlace/"))) return;
    const found = find(name);
    if (found) waiting.push(found);
    else unknownService(name, known(), place(), faults);
  };
  for (const { name, path } of namedInConfig(config)) {
    const what = path.at(-2) === "params" ? "key" : "value";
    refer(name, () => configSource.place(path, what));
  }
  const seen = new Set<string>();
  // The list grows while it is walked.
  for (const source of waiting) {
    if (seen.has(source.name)) continue;
    seen.add(source.name);
    const definition = resolveDefinition(source, base, faults);
    if (definition) definitions.set(source.name, definition);
    // A service with other faults still tells which names are wrong.
    const raw = { value: source.raw, place: (path: Path) => source.source.place(path) };
    const { value, place } = definition && !source.trimmed ? definition : raw;
    for (const { name, path } of referencesOf(value)) refer(name, () => place(path));
  }
  return { definitions, referenced, extended, known: new Set(sources.keys()) };
}

function namedInConfig(config: ProjectConfig): { name: string; path: (string | number)[] }[] {
  const roots = (
    services: readonly string[] | undefined,
    above: string[],
  ): { name: string; path: (string | number)[] }[] =>
    (services ?? []).map((name, index) => ({ name, path: [...above, "services", index] }));
  return [
    ...roots(config.services, []),
    ...Object.keys(config.params).map((name) => ({ name, path: ["params", name] })),
    ...(["images", "machines", "groups"] as const).flatMap((kind) =>
      Object.entries(config[kind]).flatMap(([name, { services, params }]) => [
        ...roots(services, [kind, name]),
        ...Object.keys(params ?? {}).map((service) => ({ name: service, path: [kind, name, "params", service] })),
      ]),
    ),
  ];
}
