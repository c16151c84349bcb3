import { isReservedVariable, type ParamValue, type Place, variableName } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import type { ParamDeclaration, ServiceManifest } from "../manifest/service-schema.ts";
import type { Path } from "../manifest/source-file.ts";
import { describe } from "../manifest/zod-faults.ts";
import type { FaultList } from "./fault-list.ts";

type Type = "string" | "integer" | "number" | "boolean" | "list";

/** Values from outside the service, and where each stands. */
export interface Overlay {
  readonly values: Readonly<Record<string, ParamValue>>;
  readonly place: (name: string, what: "key" | "value") => Place | undefined;
}

/** A declared parameter: what values it takes, and the one it has by itself. */
interface Rule {
  readonly type: Type;
  readonly limits: ParamDeclaration;
  readonly value: ParamValue | undefined;
  readonly place: Place;
}

export type Rules = ReadonlyMap<string, Rule>;

/** Reads and checks the declarations of one service; names come out sorted. */
export function declareParams(
  declared: ServiceManifest["params"] = {},
  place: (path: Path, what?: "key" | "value") => Place,
  faults: FaultList,
): Rules {
  const rules = new Map<string, Rule>();
  const variables = new Map<string, string>();
  for (const name of Object.keys(declared).sort()) {
    const variable = variableName(name);
    const key = (): Place => place(["params", name], "key");
    if (isReservedVariable(variable)) {
      faults.error("E_RESERVED_NAME", `The parameter ${name} would shadow the variable ${variable}`, key());
    }
    const twin = variables.get(variable);
    if (twin !== undefined) {
      faults.error("E_CLASH", `The parameters ${twin} and ${name} are both ${variable} in scripts`, key(), {
        related: { message: "the other one", place: place(["params", twin], "key") },
      });
    }
    variables.set(variable, name);
    const given = declared[name];
    const limits = isDeclaration(given) ? given : { default: given };
    const value = limits.default;
    const type = limits.type ?? typeOf(value);
    const problem = value === undefined ? undefined : misfit(value, type, limits);
    if (problem) {
      const path = isDeclaration(given) ? ["params", name, "default"] : ["params", name];
      faults.error("E_PARAM", `The default of ${name}: ${problem}`, place(path));
    }
    rules.set(name, {
      type,
      limits,
      value,
      get place() {
        return key();
      },
    });
  }
  return rules;
}

/** Holds values from outside against the declarations. */
export function checkOverlay(rules: Rules, overlay: Overlay, faults: FaultList): void {
  for (const [name, value] of Object.entries(overlay.values)) {
    const rule = rules.get(name);
    if (rule === undefined) {
      const near = didYouMean(name, rules.keys());
      faults.error("E_UNKNOWN_PARAM", `The service declares no parameter "${name}"`, overlay.place(name, "key"), {
        suggestion: near
          ? `did you mean "${near}"?`
          : rules.size > 0
            ? `there is ${[...rules.keys()].join(", ")}`
            : undefined,
      });
      continue;
    }
    const wrong = misfit(value, rule.type, rule.limits);
    if (wrong) {
      faults.error("E_PARAM", `${name}: ${wrong}`, overlay.place(name, "value"), {
        suggestion:
          rule.type === "string" && (typeof value === "number" || typeof value === "boolean")
            ? `write it in quotes: "${value}"`
            : undefined,
        related: { message: "declared here", place: rule.place },
      });
    }
  }
}

/** The values that scripts get: the service's own, with the overlays laid over in order. Unset ones are left out. */
export function paramValues(rules: Rules, overlays: readonly Overlay[]): Record<string, ParamValue> {
  const values: Record<string, ParamValue> = {};
  for (const [name, { value }] of rules) {
    const given = overlays.findLast((overlay) => Object.hasOwn(overlay.values, name))?.values[name] ?? value;
    if (given !== undefined) values[name] = given;
  }
  return values;
}

const isDeclaration = (given: unknown): given is ParamDeclaration =>
  given !== null && typeof given === "object" && !Array.isArray(given);

function typeOf(value: ParamValue | undefined): Type {
  if (value === undefined || typeof value === "string") return "string";
  return typeof value === "object" ? "list" : (typeof value as "number" | "boolean");
}

/** What is wrong with a value, or undefined. */
function misfit(value: ParamValue, type: Type, rule: ParamDeclaration): string | undefined {
  const came = `${describe(value)} came`;
  const fits = type === "integer" ? Number.isInteger(value) : typeOf(value) === type;
  const words = {
    string: "text",
    integer: "a whole number",
    number: "a number",
    boolean: "true or false",
    list: "a list",
  };
  if (!fits) return `expected ${words[type]}, ${came}`;
  const measure = typeof value === "number" ? value : typeof value === "boolean" ? undefined : value.length;
  const unit = typeof value === "number" ? "" : " in length";
  if (measure !== undefined && rule.min !== undefined && measure < rule.min) {
    return `expected at least ${rule.min}${unit}, ${came}`;
  }
  if (measure !== undefined && rule.max !== undefined && measure > rule.max) {
    return `expected at most ${rule.max}${unit}, ${came}`;
  }
  const each = Array.isArray(value) ? value : [value];
  const { enum: choices, pattern } = rule;
  if (choices && !each.every((item) => choices.includes(item))) return `expected one of ${choices.join(", ")}, ${came}`;
  if (pattern === undefined) return undefined;
  try {
    const regex = new RegExp(`^(?:${pattern})$`, "u");
    return each.every((item) => regex.test(String(item))) ? undefined : `expected text like ${pattern}, ${came}`;
  } catch {
    return `its pattern ${pattern} is no regular expression`;
  }
}
