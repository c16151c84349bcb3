import { builtProgram } from "./built-program.ts";
import options from "./runner-build.json" with { type: "json" };

/** The bytes of the runner, `stage2.mjs`. */
export const runnerFile = (): Promise<Uint8Array> => builtProgram({ file: "stage2.mjs", sources: ["stage2"], options });
