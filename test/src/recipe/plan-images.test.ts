import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import plan from "../../../src/commands/plan.ts";
import { FileRecords } from "../../../src/image/records/file-records.ts";
import type { Provider } from "../../../src/machine/machine.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { type PlannedImage, planImages } from "../../../src/recipe/build/plan-images.ts";
import { planKey } from "../../../src/recipe/build/plan-key.ts";
import { deskArch } from "../../../src/runtime/pinned.ts";
import { runCommand } from "../../support/run-command.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { sampleRecord } from "../image/sample-record.ts";

const provider: Provider = sandboxProvider();
const tools = { report: () => {}, signal: new AbortController().signal };
const DAY = 86_400_000;
const FROM: Readonly<Record<string, string | undefined>> = { web: "base" };
const PROJECT = {
  ...SMALL,
  "services/web/service.yaml": `${SMALL["services/web/service.yaml"]}params: {workers: {type: integer, default: 4}}\n`,
};

const planned = async (dir: string, now: number, params = {}) =>
  (
    await planImages(
      {
        dir,
        image: "web",
        fromOf: (name) => FROM[name],
        providerOf: () => provider,
        archesOf: () => [deskArch()],
        params,
        now,
      },
      tools,
    )
  ).map(({ image, what, why }: PlannedImage) => [image, what, ...why]);

/** As if it had been built just now. */
async function pretend(dir: string, image: string, id: string, now: number): Promise<void> {
  const { key } = await planKey({ dir, image, provider, now, params: {} }, tools);
  const layers = [{ digest: image, bytes: 1, file: `${image}/${id}/layer.tar` }];
  const made = {
    provider: "sandbox",
    arch: deskArch(),
    key: key.key,
    keyParts: key.parts,
    layers,
    origin: { root: "/" },
    copies: [],
  };
  await new FileRecords(dir).add(sampleRecord(image, id, made));
  writeFileSync(join(dir, ".bootlace/images", image, id, "layer.tar"), "");
}

test("planImages() names missing parents, then what is unchanged, then which parts of the key changed", async () => {
  const dir = await makeProject(PROJECT);
  const now = 100 * 30 * DAY;
  expect(await planned(dir, now)).toEqual([
    ["base", "build", "there is no good one here"],
    ["web", "build", "base is built first"],
  ]);
  await pretend(dir, "base", "20261130120000-aaaa", now);
  expect(await planned(dir, now)).toEqual([
    ["base", "unchanged", "it is there"],
    ["web", "build", "there is no good one here"],
  ]);
  await pretend(dir, "web", "20261130130000-bbbb", now);
  expect(await planned(dir, now)).toEqual([
    ["base", "unchanged", "it is there"],
    ["web", "unchanged", "its key is the same"],
  ]);
  expect((await planned(dir, now, { web: { workers: 8 } })).at(-1)).toEqual(["web", "build", "service web changed"]);
  expect((await planned(dir, now + 31 * DAY)).at(-1)).toEqual(["web", "build", "older than its maxAge allows"]);
  mkdirSync(join(dir, "services/extra"));
  writeFileSync(join(dir, "services/extra/service.yaml"), "description: Extra\ninit: |\n  true\n");
  const required = PROJECT["services/web/service.yaml"].replace("requires: [base]", "requires: [base, extra]");
  writeFileSync(join(dir, "services/web/service.yaml"), required);
  expect((await planned(dir, now)).at(-1)).toEqual(["web", "build", "service extra is new", "service web changed"]);
  expect(await planned(dir, now)).toHaveLength(2);
});

test("an image in quarantine, or one that is deprecated, matches no key and is no parent", async () => {
  const dir = await makeProject(PROJECT);
  const now = 100 * 30 * DAY;
  await pretend(dir, "base", "20261130120000-aaaa", now);
  const records = new FileRecords(dir);
  const [base] = await records.named("base");
  await records.change(base!, { state: "deprecated" });
  expect(await planned(dir, now)).toEqual([
    ["base", "build", "there is no good one here"],
    ["web", "build", "base is built first"],
  ]);
});

test("`plan IMAGE` shows it, with parameters of the command line", async () => {
  const dir = await makeProject(PROJECT);
  await pretend(dir, "base", "20261130120000-aaaa", Date.now());
  await pretend(dir, "web", "20261130130000-bbbb", Date.now());
  expect(await runCommand(plan, dir, ["web"])).toMatch(
    /^unchanged base: .*\nunchanged web: its key is the same \(web\/20261130130000-bbbb, /,
  );
  const other = await runCommand(plan, dir, ["web"], { options: { param: ["web.workers=8"] } });
  expect(other).toMatch(/^build {5}web: service web changed \(last: web\/20261130130000-bbbb, /m);
  const wrong = runCommand(plan, dir, ["web"], { options: { param: ["web.workers=many"] } });
  await expect(wrong).rejects.toMatchObject({ code: "E_CHECK" });
});
