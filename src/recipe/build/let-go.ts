import type { Machine } from "../../machine/machine.ts";
import type { StepTools } from "../recipe.ts";

/** Disposes of a machine that did its part. What cannot be removed is told and left to gc, by the ledger's entry: it is no fault of the image. */
export async function letGo(machine: Machine, { report }: StepTools): Promise<void> {
  try {
    await machine.dispose();
  } catch (error) {
    const message = `${machine.name} is left for \`bootlace gc\`: ${error instanceof Error ? error.message : error}`;
    report({ t: Date.now(), k: "notice", level: "warning", code: "left-for-gc", message });
  }
}
