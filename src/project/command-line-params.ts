import { BootlaceError, type Fault, type ParamValue } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { checkOverlay, declareParams } from "./compile-params.ts";
import { FaultList, sortFaults } from "./fault-list.ts";
import { type ParamOverlay, readProject } from "./read-project.ts";

/** `service.name=value`; a value may be empty and hold what it likes. */
const GIVEN = /^((?:bootlace\/)?[a-z][a-z0-9-]*)\.([A-Za-z][A-Za-z0-9_-]*)=([\s\S]*)$/;

/**
 * Parameters of a command line, each of the type that its service declares: a list is written with commas, or as JSON.
 *
 * @throws {BootlaceError} `E_USAGE` for a word of another form; `E_CHECK` with every value that its service does not take.
 */
export async function commandLineParams(dir: string, words: readonly string[]): Promise<ParamOverlay> {
  if (words.length === 0) return {};
  const given = words.map((word) => {
    const [, service, name, value] = GIVEN.exec(word) ?? [];
    if (service !== undefined && name !== undefined && value !== undefined) return { service, name, value };
    throw new BootlaceError("E_USAGE", `Expected --param SERVICE.NAME=VALUE, ${word} came`);
  });
  const { definitions } = await readProject(dir);
  const faults = new FaultList();
  const overlay: Record<string, Record<string, ParamValue>> = {};
  for (const { service, name, value } of given) {
    const definition = definitions.get(service);
    if (!definition) {
      const near = didYouMean(service, definitions.keys());
      faults.error("E_UNKNOWN_SERVICE", `--param ${service}.${name}: no service is called "${service}"`, undefined, {
        suggestion: near && `did you mean "${near}"?`,
      });
      continue;
    }
    // What is wrong with the declarations themselves is told when the project is read.
    const rules = declareParams(definition.value.params as never, definition.place, new FaultList());
    overlay[service] = { ...overlay[service], [name]: typed(value, rules.get(name)?.type) };
    const own = new FaultList();
    checkOverlay(rules, { values: { [name]: typed(value, rules.get(name)?.type) }, place: () => undefined }, own);
    faults.all.push(...own.all.map((fault): Fault => ({ ...fault, message: `--param ${service}.${fault.message}` })));
  }
  if (faults.errors.length === 0) return overlay;
  throw new BootlaceError("E_CHECK", "The command line gives parameters that their services do not take", {
    faults: sortFaults(faults.all),
  });
}

/** What does not look like its type stays text, and is told as such. */
function typed(value: string, type: string | undefined): ParamValue {
  if ((type === "integer" || type === "number") && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value)) return Number(value);
  if (type === "boolean" && /^(?:true|false)$/.test(value)) return value === "true";
  if (type !== "list") return value;
  if (value === "") return [];
  if (!value.startsWith("[")) return value.split(",");
  try {
    const parsed: unknown = JSON.parse(value);
    const isFlat = Array.isArray(parsed) && parsed.every((item) => item !== null && typeof item !== "object");
    return isFlat ? (parsed as ParamValue) : value;
  } catch {
    return value;
  }
}
