import { startImage } from "../../image/find-image.ts";

/**
 * Images that were asked for, each after the image of the project that it is made from, where that is not there yet.
 *
 * @param fromOf what an image is made from, as bootlace.yaml has it.
 */
export async function imageOrder(
  dir: string,
  asked: readonly string[],
  fromOf: (name: string) => unknown,
): Promise<readonly string[]> {
  const order: string[] = [];
  const add = async (name: string, wanted: boolean): Promise<void> => {
    if (order.includes(name) || (!wanted && (await startImage(dir, name)))) return;
    const from = fromOf(name);
    if (typeof from === "string") await add(from, false);
    order.push(name);
  };
  for (const name of asked) await add(name, true);
  return order;
}
