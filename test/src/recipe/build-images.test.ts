import { expect, test } from "vitest";
import type { BuildResult } from "../../../src/recipe/build/build-image.ts";
import { buildImages, type TargetEnd } from "../../../src/recipe/build/build-images.ts";
import { type ImageTarget, imageOrder, targetName } from "../../../src/recipe/build/image-order.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";

const target = (image: string, after?: ImageTarget): ImageTarget => ({
  image,
  arch: "x86_64",
  ...(after && { after }),
});
const result = {} as BuildResult;

/** Builds that end when the test lets them. */
function held() {
  const begun: string[] = [];
  const ends = new Map<string, { done: () => void; fail: (error: Error) => void }>();
  const build = ({ image }: ImageTarget) =>
    new Promise<BuildResult>((resolve, reject) => {
      begun.push(image);
      ends.set(image, { done: () => resolve(result), fail: reject });
    });
  /** Lets one end, and everything happen that follows from it. */
  const end = async (image: string, error?: Error) => {
    const one = ends.get(image);
    if (!one) throw new Error(`${image} did not begin`);
    if (error) one.fail(error);
    else one.done();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, build, end };
}

test("buildImages() builds what is independent at the same time, up to its limit, and a child after its parent", async () => {
  const { begun, build, end } = held();
  const base = target("base");
  const ended: TargetEnd[] = [];
  const all = buildImages([base, target("web", base), target("db"), target("log")], 2, build, (one) => ended.push(one));
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(["base", "db"]);
  await end("db");
  expect(begun).toEqual(["base", "db", "log"]);
  await end("base");
  expect(begun).toEqual(["base", "db", "log", "web"]);
  await end("web");
  await end("log");
  expect((await all).map(({ outcome }) => outcome)).toEqual(["there", "there", "there", "there"]);
  expect(ended.map(({ target }) => target.image)).toEqual(["db", "base", "web", "log"]);
});

test("buildImages() does not build what stands on an image that failed, and builds the rest", async () => {
  const { begun, build, end } = held();
  const base = target("base");
  const web = target("web", base);
  const all = buildImages([base, web, target("shop", web), target("db")], 1, build, () => {});
  await new Promise((resolve) => setImmediate(resolve));
  const error = new Error("no");
  await end("base", error);
  await end("db");
  expect(begun).toEqual(["base", "db"]);
  expect(await all).toEqual([
    { target: base, outcome: "failed", error },
    { target: web, outcome: "blocked", by: base },
    { target: target("shop", web), outcome: "blocked", by: web },
    { target: target("db"), outcome: "there", result },
  ]);
});

test("imageOrder() lists each architecture of an image after that of its parent, and names both where there are two", async () => {
  const dir = await makeProject(SMALL);
  const from: Readonly<Record<string, string>> = { web: "base", shop: "web" };
  const order = await imageOrder({
    dir,
    asked: ["shop", "base"],
    fromOf: (name) => from[name],
    archesOf: (name) => (name === "base" ? ["x86_64"] : ["x86_64", "arm64"]),
  });
  expect(order.map((one) => [targetName(one, order), one.after && targetName(one.after, order)])).toEqual([
    ["base (x86_64)", undefined],
    ["web (x86_64)", "base (x86_64)"],
    ["shop (x86_64)", "web (x86_64)"],
    ["base (arm64)", undefined],
    ["web (arm64)", "base (arm64)"],
    ["shop (arm64)", "web (arm64)"],
  ]);
});
