import fc from "fast-check";
import { expect, test } from "vitest";
import type { Range } from "../../../src/disk/ext-volume.ts";
import { intersection, subtract } from "../../../src/disk/overlay.ts";

const SIZE = 64;
const bits = fc.uint8Array({ minLength: SIZE, maxLength: SIZE, max: 1 });

/** The runs of ones, each a range; `cut` splits them so that some ranges touch. */
function rangesOf(map: Uint8Array, cut: Uint8Array): readonly Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at < SIZE; at++) {
    if (!map[at]) continue;
    const last = ranges.at(-1);
    if (last && last.start + last.length === at && !cut[at])
      ranges[ranges.length - 1] = { ...last, length: last.length + 1 };
    else ranges.push({ start: at, length: 1 });
  }
  return ranges;
}

const covered = (ranges: readonly Range[]): readonly number[] =>
  ranges.flatMap(({ start, length }) => Array.from({ length }, (_, index) => start + index));
const ones = (map: readonly boolean[]): readonly number[] => map.flatMap((set, at) => (set ? [at] : []));

test("intersection() holds exactly the bytes that are in both, in order", () => {
  fc.assert(
    fc.property(bits, bits, bits, bits, (a, b, cutA, cutB) => {
      const both = intersection(rangesOf(a, cutA), rangesOf(b, cutB));
      expect(covered(both)).toEqual(ones([...a].map((set, at) => set === 1 && b[at] === 1)));
    }),
  );
});

test("subtract() holds exactly the bytes that are in the first and not in the second", () => {
  fc.assert(
    fc.property(bits, bits, bits, bits, (a, b, cutA, cutB) => {
      const some = rangesOf(a, cutA);
      const left = subtract(some, intersection(some, rangesOf(b, cutB)));
      expect(covered(left)).toEqual(ones([...a].map((set, at) => set === 1 && b[at] === 0)));
    }),
  );
});
