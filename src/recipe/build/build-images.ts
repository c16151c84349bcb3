import type { BuildResult } from "./build-image.ts";
import type { ImageTarget } from "./image-order.ts";

export type TargetEnd =
  | { readonly target: ImageTarget; readonly outcome: "there"; readonly result: BuildResult }
  | { readonly target: ImageTarget; readonly outcome: "failed"; readonly error: unknown }
  /** What it is made from was not built. */
  | { readonly target: ImageTarget; readonly outcome: "blocked"; readonly by: ImageTarget };

/**
 * Builds images, each after the one that it is made from, the others at the same time. One that fails blocks what is made
 * from it and keeps nothing else from its turn.
 *
 * @param targets in an order in which they could be built one by one.
 * @param parallel how many at a time, at least 1.
 * @param onEnd is called with each end when it comes.
 */
export async function buildImages(
  targets: readonly ImageTarget[],
  parallel: number,
  build: (target: ImageTarget) => Promise<BuildResult>,
  onEnd: (end: TargetEnd) => void,
): Promise<readonly TargetEnd[]> {
  const turn = turns(parallel);
  const ends = new Map<ImageTarget, Promise<TargetEnd>>();
  const one = async (target: ImageTarget): Promise<TargetEnd> => {
    const before = target.after && (await ends.get(target.after));
    if (before && before.outcome !== "there") return { target, outcome: "blocked", by: before.target };
    try {
      return { target, outcome: "there", result: await turn(() => build(target)) };
    } catch (error) {
      return { target, outcome: "failed", error };
    }
  };
  for (const target of targets)
    ends.set(
      target,
      one(target).then((end) => {
        onEnd(end);
        return end;
      }),
    );
  return Promise.all(ends.values());
}

/** Lets so many run at a time, in the order in which they came. */
function turns(most: number): <T>(act: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (act) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
