import { startImage } from "../../image/find-image.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";

/** One image of bootlace.yaml for one architecture. */
export interface ImageTarget {
  readonly image: string;
  readonly arch: RuntimeArch;
  /** Another one of the list, which it is made from. */
  readonly after?: ImageTarget;
}

export interface WantedOrder {
  readonly dir: string;
  readonly asked: readonly string[];
  /** What an image is made from, as bootlace.yaml has it. */
  readonly fromOf: (name: string) => unknown;
  readonly archesOf: (name: string) => readonly RuntimeArch[];
}

/** Images that were asked for, for each architecture, each after the image of the project that it is made from, where that is not there yet. */
export async function imageOrder({ dir, asked, fromOf, archesOf }: WantedOrder): Promise<readonly ImageTarget[]> {
  const order: ImageTarget[] = [];
  const add = async (image: string, arch: RuntimeArch, wanted: boolean): Promise<ImageTarget | undefined> => {
    const listed = order.find((target) => target.image === image && target.arch === arch);
    if (listed) return listed;
    if (!wanted && (await startImage(dir, image, arch))) return undefined;
    const from = fromOf(image);
    const after = typeof from === "string" ? await add(from, arch, asked.includes(from)) : undefined;
    const target: ImageTarget = { image, arch, ...(after && { after }) };
    order.push(target);
    return target;
  };
  for (const image of asked) for (const arch of archesOf(image)) await add(image, arch, true);
  return order;
}

/** `web`; `web (arm64)` where the list has it for several architectures. */
export function targetName({ image, arch }: ImageTarget, all: readonly ImageTarget[]): string {
  return all.filter((other) => other.image === image).length > 1 ? `${image} (${arch})` : image;
}
