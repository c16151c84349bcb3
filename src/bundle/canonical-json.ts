/**
 * JSON with sorted keys and no white space, so that equal values are equal bytes. Keys whose value is undefined are
 * left out, as JSON.stringify does. Ends in a line feed.
 */
export function canonicalJson(value: unknown): string {
  return `${JSON.stringify(value, sortKeys)}\n`;
}

function sortKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  // Sorted by code unit, never by locale: the desk's language must not change a digest.
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
