import type { ParamValue, When } from "../../stage2/index.ts";
import type { ServiceManifest } from "../manifest/service-schema.ts";
import { describe } from "../manifest/zod-faults.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";

/**
 * The conditions that a machine looks at. Parameters are known here already: where they rule the service out, the
 * condition says so, and never holds.
 *
 * @param params as scripts get them.
 */
export function compileWhen(
  { when = {}, params: declared = {} }: Pick<ServiceManifest, "when" | "params">,
  params: Readonly<Record<string, ParamValue>>,
  { place }: Pick<Definition, "place">,
  faults: FaultList,
): When {
  const { params: wanted = {}, ...machine } = when;
  const off: string[] = [];
  for (const [name, given] of Object.entries(wanted)) {
    const at = ["when", "params", name];
    const value = params[name];
    const choices = [given].flat();
    if (!Object.hasOwn(declared, name))
      faults.error("E_UNKNOWN_PARAM", `The service declares no parameter "${name}"`, place(at, "key"), {
        suggestion: `there is ${Object.keys(declared).join(", ") || "none"}`,
      });
    else if (typeof value === "object")
      faults.error("E_PARAM", `${name} is a list, and a condition wants one value`, place(at, "key"));
    else if (value !== undefined && choices.some((choice) => typeof choice !== typeof value))
      faults.error(
        "E_PARAM",
        `${name}: expected a value such as ${describe(value)}, ${describe(given)} came`,
        place(at),
      );
    else if (value === undefined || !choices.includes(value))
      off.push(`${name} is ${value === undefined ? "not set" : String(value)}, not ${choices.join(" or ")}`);
  }
  return Object.fromEntries(
    Object.entries({ ...machine, ...(off.length > 0 && { off: off.join("; ") }) }).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
