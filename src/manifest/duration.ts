const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in a file or on the command line: `500ms`, `30s`, `2m`, `1h`, `30d`, or parts of them together (`1m30s`). */
export const DURATION_PATTERN = /^(\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h|d))+$/;

/** Milliseconds, or undefined when the text is no duration. Whole milliseconds; more than 365 days is refused. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  let sum = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sum += Number(amount) * (UNITS[unit] ?? 0);
  }
  return sum > 365 * 86_400_000 ? undefined : Math.round(sum);
}
