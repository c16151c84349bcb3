import { builtProgram } from "../../bundle/built-program.ts";
import options from "../../bundle/runner-build.json" with { type: "json" };

/** The search as one ES module that needs nothing but Node: it runs on machines. Made as the runner is. */
export const searchProgram = (): Promise<Uint8Array> =>
  builtProgram({
    file: "search.mjs",
    sources: ["src/seal"],
    options: { ...options, entryPoints: ["src/seal/inside/main.ts"] },
  });
