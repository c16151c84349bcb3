/** What ECMAScript's Date can hold, in seconds either side of 1970. */
const MAX_SECONDS = 8.64e12;

/**
 * A time for people, in UTC: `2026-11-20 15:31`. What a pointer says of itself may lie beyond every calendar; then `?`.
 *
 * @param seconds Since 1970.
 */
export function shownTime(seconds: number): string {
  if (!(Math.abs(seconds) <= MAX_SECONDS)) return "?";
  return new Date(seconds * 1000)
    .toISOString()
    .replace("T", " ")
    .replace(/:\d\d\.\d{3}Z$/, "");
}
