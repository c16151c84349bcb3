/**
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost 1 each.
 * Stops early and answers `limit + 1` when the distance is greater than `limit`.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      }
      current.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    before = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/**
 * The candidate a person most likely meant, or undefined when none is near: at most one slip in three letters,
 * case and `-_` aside. A tie goes to the first by name.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  let bestCost = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const cost = editDistance(wanted, plain(candidate), bestCost);
    if (cost < bestCost || (cost === bestCost && best !== undefined && candidate < best)) {
      best = candidate;
      bestCost = cost;
    }
  }
  return best;
}

const plain = (word: string): string => word.toLowerCase().replaceAll("_", "-");
