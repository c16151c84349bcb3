import type { Facts } from "../types/facts.ts";
import type { Service, When } from "../types/service.ts";

/** True when every condition that is given names what the machine is. */
export function holds(when: When, facts: Facts): boolean {
  return (
    when.off === undefined &&
    (when.os?.includes(facts.os) ?? true) &&
    (when.arch?.includes(facts.arch) ?? true) &&
    (when.provider?.includes(facts.provider) ?? true)
  );
}

/** One line for people: which condition failed and what the machine is. */
export function whyAbsent(when: When, facts: Facts): string {
  const { off, os, arch, provider } = when;
  if (off !== undefined) return off;
  if (os && !os.includes(facts.os)) return `only on ${os.join(", ")}; this is ${facts.os}`;
  if (arch && !arch.includes(facts.arch)) return `only on ${arch.join(", ")}; this is ${facts.arch}`;
  return `only on ${provider?.join(", ")}; this is ${facts.provider}`;
}

/** What services need and the machine does not have: `web needs systemd`. */
export function missingNeeds(services: readonly Service[], facts: Facts): string[] {
  return services.flatMap(({ name, needs }) =>
    needs.filter((need) => !facts.has.includes(need)).map((need) => `${name} needs ${need}`),
  );
}
