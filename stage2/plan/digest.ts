import { createHash } from "node:crypto";
import { PACKAGE_MANAGERS, type Service } from "../types/service.ts";

/**
 * Identity of what an init does: script, package names, user and parameters. Descriptions, order and other phases do
 * not count. The leading version lets a later rule be told from this one: an unknown version counts as unchanged.
 */
export function initDigest(service: Service): string {
  const { init } = service.phases;
  const what = {
    run: init?.file ?? null,
    script: init?.digest ?? null,
    packages: PACKAGE_MANAGERS.map((manager) => [...(service.packages[manager] ?? [])].sort()),
    user: init?.user ?? null,
    params: Object.fromEntries(Object.entries(service.params).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return `v1:${createHash("sha256").update(JSON.stringify(what)).digest("hex")}`;
}

/** Tells whether an init that ran with digest `ran` differs from `now`. */
export function initChanged(ran: string, now: string): boolean {
  return ran.startsWith("v1:") && ran !== now;
}
