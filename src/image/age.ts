import { plural } from "../cli/plural.ts";

/** A length of time as people say it: `3 minutes`, `2 days`. @param ms Milliseconds. */
export function age(ms: number): string {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
    ["second", 1000],
  ] as const;
  const [name, length] = units.find(([, unit]) => ms >= unit) ?? ["second", 1000];
  const count = Math.max(0, Math.floor(ms / length));
  return plural(count, name);
}
