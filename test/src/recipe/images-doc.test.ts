import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildRecipe } from "../../../src/recipe/build/build-recipe.ts";

test("docs/images.md shows the steps of a build in order, and an undo where there is one", () => {
  const page = readFileSync(new URL("../../../docs/images.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| ([a-z ]+) \| .* \| ?(.*?) ?\|$/gm)].slice(1);
  expect(rows.map(([, name, undo]) => [name, undo !== ""])).toEqual(
    buildRecipe.steps.map(({ name, undo }) => [name, undo !== undefined]),
  );
});
