import { BootlaceError } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import type { Path } from "../manifest/source-file.ts";
import type { Definition } from "./definition.ts";
import { sortFaults } from "./fault-list.ts";
import { readProject } from "./read-project.ts";
import { isMapping } from "./service-source.ts";

interface Row {
  readonly path: string;
  readonly value: unknown;
  /** `services/web/service.yaml:4`, or `default`. */
  readonly origin: string;
}

/**
 * What `extends`, bootlace.yaml and the defaults made of a service: one value a line, with the place it came from.
 *
 * @throws {BootlaceError} `E_CHECK` when the service has faults, `E_UNKNOWN_SERVICE`.
 */
export async function showEffective(dir: string, name: string, json: boolean): Promise<string> {
  const { definitions, services, config, source, faults } = await readProject(dir);
  const definition = definitions.get(name);
  const service = services.find((one) => one.name === name);
  if (!definition && faults.errors.length === 0) {
    const near = didYouMean(name, definitions.keys());
    throw new BootlaceError(
      "E_UNKNOWN_SERVICE",
      `No service is called "${name}"`,
      near ? { hint: `Did you mean "${near}"?` } : {},
    );
  }
  if (!definition || (!service && faults.errors.length > 0)) {
    throw new BootlaceError("E_CHECK", `The service ${name} has faults`, { faults: sortFaults(faults.all) });
  }
  const rows = rowsOf(definition);
  const own = new Set(rows.map(({ path }) => path.split(".")[0]));
  for (const [param, value] of Object.entries(config.params[name] ?? {})) {
    const { file, line } = source.place(["params", name, param], "key");
    rows.push({ path: `params.${param}`, value, origin: `${file}:${line}` });
  }
  for (const [key, value] of Object.entries(service ?? {})) {
    if (!own.has(key) && DEFAULTS.includes(key)) rows.push({ path: key, value, origin: "default" });
  }
  if (json)
    return `${JSON.stringify({ service: name, chain: definition.chain.map((one) => one.name), values: rows }, null, 2)}\n`;
  const width = rows.reduce((most, { origin }) => Math.max(most, origin.length), 0);
  const text = rows.map(({ path, value, origin }) => `${origin.padEnd(width)}  ${path}: ${shown(value)}\n`).join("");
  const chain = definition.chain.map((one) => one.name).join(" extends ");
  return `# ${chain}\n${text}`;
}

const DEFAULTS: readonly string[] = ["requires", "after", "needs", "locks", "onInitChange", "onFailure"];

function rowsOf(definition: Definition): Row[] {
  const rows: Row[] = [];
  const walk = (value: unknown, path: Path): void => {
    if (isMapping(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
      return;
    }
    const { file, line } = definition.place(path, "key");
    rows.push({ path: path.join("."), value, origin: `${file}:${line}` });
  };
  walk(definition.value, []);
  return rows;
}

/** JSON is YAML; scripts of many lines are shown as blocks. */
function shown(value: unknown): string {
  if (typeof value !== "string" || !value.includes("\n")) return JSON.stringify(value);
  return `|\n${value.trimEnd().replace(/^/gm, "      ")}`;
}
