import type { ParamOverlay } from "./read-project.ts";

/** Parameters laid over others: of each service, those of the second stand before those of the first. */
export function mergeParams(under: ParamOverlay, over: ParamOverlay): ParamOverlay {
  const services = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...services].map((service) => [service, { ...under[service], ...over[service] }]));
}
