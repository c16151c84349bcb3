import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openRecords } from "../../../src/image/records/open-records.ts";
import type { Provider } from "../../../src/machine/machine.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { buildImage } from "../../../src/recipe/build/build-image.ts";
import { planBuild } from "../../../src/recipe/build/build-plan.ts";
import { buildRecipe } from "../../../src/recipe/build/build-recipe.ts";
import { listLedger } from "../../../src/recipe/ledger.ts";
import { runRecipe } from "../../../src/recipe/run-recipe.ts";
import type { Event } from "../../../stage2/index.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});

const left = (dir: string, ...path: string[]): readonly string[] => {
  try {
    return readdirSync(join(dir, ".bootlace", ...path));
  } catch {
    return [];
  }
};
const everything = (dir: string) => ({
  machines: left(dir, "machines"),
  layers: left(dir, "sandbox", "machines"),
  // Records stay as history.
  images: left(dir, "images", "base").flatMap((id) =>
    left(dir, "images", "base", id).filter((file) => file !== "image.json"),
  ),
});
const states = async (dir: string) => (await (await openRecords(dir)).all()).map(({ state }) => state);
const NOTHING = { machines: [], layers: [], images: [] };

describe("a build leaves nothing", () => {
  // The last act on an instance is tested there: a sandbox is searched from the desk.
  test.each(buildRecipe.steps.map(({ name }) => name).filter((name) => name !== "search inside"))(
    "when %s fails after its work, and the first error is told",
    async (failing) => {
      const dir = await makeProject(SMALL);
      const steps = buildRecipe.steps.map((step) =>
        step.name !== failing
          ? step
          : {
              ...step,
              run: async (...given: Parameters<typeof step.run>) => {
                await step.run(...given);
                throw new Error(`${failing} broke`);
              },
            },
      );
      const recipe = Object.assign(Object.create(buildRecipe), { steps }) as typeof buildRecipe;
      const plan = await planBuild(
        { dir, image: "base", provider, now: Date.now(), params: {} },
        {
          report: () => {},
          signal: new AbortController().signal,
        },
      );
      const start = { dir, provider, id: "build-base-x", imageId: "x", plan };
      const run = runRecipe(recipe, start, {
        of: "image base",
        report: () => {},
        signal: new AbortController().signal,
      });
      await expect(run).rejects.toThrow(`${failing} broke`);
      expect(everything(dir)).toEqual(NOTHING);
      expect(await states(dir)).toEqual(/capture|smoke|release|record/.test(failing) ? ["gone"] : []);
    },
  );

  test.each(["launch", "deliver", "init", "capture", "smoke"])("when Ctrl-C comes at %s", async (step) => {
    const dir = await makeProject(SMALL);
    const abort = new AbortController();
    const report = (event: Event) => {
      if (event.k === "desk-start" && event.step === step) setImmediate(() => abort.abort("SIGINT"));
    };
    const run = buildImage({ dir, image: "base", provider, report, signal: abort.signal });
    await expect(run).rejects.toMatchObject({ name: "AbortError" });
    expect(everything(dir)).toEqual(NOTHING);
    expect(await states(dir)).not.toContain("good");
    expect(await states(dir)).not.toContain("building");
    expect(await listLedger(dir)).toEqual([]);
  });
});

test("buildImage() keeps a failed build when asked, and --resume takes up the same machine", async () => {
  const dir = await makeProject({
    ...SMALL,
    "services/web/service.yaml": "description: Web\nrequires: [base]\ninit: |\n  exit 9\n",
  });
  const signal = new AbortController().signal;
  const options = { dir, provider, report: () => {}, signal };
  await buildImage({ ...options, image: "base" });
  const failed = buildImage({ ...options, image: "web", decide: async () => "keep" });
  await expect(failed).rejects.toMatchObject({ code: "E_RUN_FAILED", message: expect.stringContaining("web.init") });
  const [entry] = await listLedger(dir);
  expect(entry).toMatchObject({ state: "kept", of: "image web" });
  const { writeFile } = await import("node:fs/promises");
  await writeFile(
    join(dir, "services/web/service.yaml"),
    "description: Web\nrequires: [base]\ninit: |\n  echo mended >/srv/mended\n",
  );
  const launched: string[] = [];
  const report = (event: Event) =>
    void (event.k === "desk-done" && event.step === "launch" && launched.push(event.detail ?? ""));
  const kept = await provider.find(dir, entry?.id ?? "");
  await expect(buildImage({ ...options, image: "base", resume: entry?.id ?? "" })).rejects.toMatchObject({
    code: "E_BUILD_UNKNOWN",
    hint: expect.stringContaining(`bootlace build web --arch`),
  });
  const result = await buildImage({ ...options, report, image: "web", resume: entry?.id ?? "" });
  expect(launched).toEqual([`sandbox ${kept?.id}`]);
  expect(result.built).toBe(true);
  expect(await listLedger(dir)).toEqual([]);
  await expect(buildImage({ ...options, image: "web", resume: "build-web-never" })).rejects.toMatchObject({
    code: "E_BUILD_UNKNOWN",
  });
});
