import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { readJson, removeFolder } from "../../../src/machine/machine-folder.ts";
import { isAlive } from "../../../src/machine/process-identity.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { filesOf, type SandboxState } from "../../../src/machine/sandbox/sandbox-spec.ts";
import { findGarbage, removeGarbage } from "../../../src/recipe/collect-garbage.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

/** A desk of its own process, built from the present sources inside the checkout, so that it finds the libraries. */
async function deskProgram(supervisor: readonly string[]): Promise<string> {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const folder = join(root, "node_modules", ".cache", `bootlace-desk-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => removeFolder(folder));
  const outfile = join(folder, "desk.mjs");
  const contents = `import { sandboxProvider } from "./src/machine/sandbox/sandbox-provider.ts";
    import { buildImage } from "./src/recipe/build/build-image.ts";
    const provider = sandboxProvider({ supervisor: ${JSON.stringify(supervisor)} });
    const report = (event) => console.log(JSON.stringify(event));
    await buildImage({ dir: process.argv[2], image: "base", provider, report, signal: new AbortController().signal });`;
  const options = {
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "error",
  } as const;
  await build({ ...options, stdin: { contents, resolveDir: root, loader: "ts" }, outfile });
  return outfile;
}

test("gc finds and removes all that a desk left which was killed in the middle of a build, and leaves a living desk's alone", async () => {
  const supervisor = await supervisorCommand();
  const dir = await makeProject({
    ...SMALL,
    "services/base/service.yaml": "description: Base\ninit: |\n  echo held; sleep 1000\n",
  });
  const desk = spawn(process.execPath, [await deskProgram(supervisor), dir], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: desk.stdout })) if (line.includes('"held')) break;
  const provider = () => sandboxProvider({ supervisor });
  expect((await findGarbage(dir, Date.now())).entries).toEqual([]);
  const [name = ""] = readdirSync(join(dir, ".bootlace", "machines"));
  const state = await readJson<SandboxState>(filesOf(dir, name).state);
  desk.kill("SIGKILL");
  await new Promise((resolve) => desk.once("exit", resolve));
  // Nothing removed it: the machine outlives its desk, as one in a cloud would.
  expect(state && isAlive(state.init)).toBe(true);
  const garbage = await findGarbage(dir, Date.now());
  expect(garbage.entries.map(({ of }) => of)).toEqual(["image base"]);
  await removeGarbage(dir, garbage, provider);
  expect(state && (isAlive(state.init) || isAlive(state.supervisor))).toBe(false);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  expect(readdirSync(join(dir, ".bootlace", "sandbox", "machines"))).toEqual([]);
  expect((await findGarbage(dir, Date.now())).entries).toEqual([]);
});
