import type { Ready } from "../../stage2/index.ts";
import { parseDuration } from "../manifest/duration.ts";
import type { ServiceManifest } from "../manifest/service-schema.ts";
import { compileScript, type ScriptParts } from "./compile-script.ts";
import { hasReferences } from "./substitute.ts";

const KINDS = ["http", "tcp", "run", "log"] as const;

/** Compiles `ready:`, which is exactly one of http, tcp, run and log. */
export function compileReady(given: NonNullable<ServiceManifest["ready"]>, parts: ScriptParts): Ready | undefined {
  const { definition, faults } = parts;
  const within = parseDuration(given.within ?? "30s") ?? 30_000;
  const kinds = KINDS.filter((kind) => given[kind] !== undefined);
  const at = (key: string) => definition.place(["ready", key], "key");
  // Where a part with faults was left out, there is nothing to say about the rest.
  if (kinds.length === 0 && definition.trimmed) return undefined;
  if (kinds.length !== 1) {
    const came = kinds.length === 0 ? "none" : kinds.join(" and ");
    faults.error(
      "E_VALUE",
      `Expected one of ${KINDS.join(", ")}, ${came} came`,
      kinds[1] ? at(kinds[1]) : definition.place(["ready"], "key"),
    );
    return undefined;
  }
  if (given.status !== undefined && given.http === undefined) {
    faults.error("E_VALUE", "`status` goes with `http` only", at("status"));
  }
  if (given.pattern !== undefined && given.log === undefined) {
    faults.error("E_VALUE", "`pattern` goes with `log` only", at("pattern"));
  }
  if (given.http !== undefined) {
    return { kind: "http", url: given.http, status: typeof given.status === "number" ? given.status : 200, within };
  }
  if (given.tcp !== undefined) return tcpReady(given.tcp, within, parts);
  if (given.run !== undefined) {
    const script = compileScript(given.run, "ready", ["ready", "run"], parts);
    return script && { kind: "run", script, within };
  }
  if (given.log === undefined) return undefined;
  if (given.pattern === undefined) {
    faults.error("E_MISSING_KEY", "`log` needs a `pattern` to look for", at("log"));
    return undefined;
  }
  try {
    new RegExp(given.pattern);
  } catch {
    faults.error(
      "E_VALUE",
      `Expected a regular expression, "${given.pattern}" came`,
      definition.place(["ready", "pattern"]),
    );
  }
  return { kind: "log", file: given.log, pattern: given.pattern, within };
}

function tcpReady(given: string, within: number, { definition, faults }: ScriptParts): Ready | undefined {
  // A reference that names nothing has been told already.
  if (hasReferences(given)) return undefined;
  const colon = given.lastIndexOf(":");
  const port = Number(given.slice(colon + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    faults.error(
      "E_VALUE",
      `Expected a port from 1 to 65535, "${given.slice(colon + 1)}" came`,
      definition.place(["ready", "tcp"]),
    );
    return undefined;
  }
  // An IPv6 address stands in brackets, as in URLs (RFC 3986, 3.2.2).
  return { kind: "tcp", host: given.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port, within };
}
