const FACTORS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** A size of memory or disk: `512M`, `1G`, `1.5G`; K, M, G and T are powers of 1024 (as QEMU and LVM read them). */
export const SIZE_PATTERN = /^\d{1,6}(?:\.\d{1,3})?[KMGT](?:i?B)?$/;

/** Bytes, or undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  if (!SIZE_PATTERN.test(text)) return undefined;
  const factor = FACTORS[/[KMGT]/.exec(text)?.[0] ?? ""] ?? 1;
  return Math.round(Number.parseFloat(text) * factor);
}
