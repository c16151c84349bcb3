import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { packageRoot } from "../../../src/cli/package-root.ts";
import { makeGraphView } from "../../../src/graph/graph-view.ts";
import { loadProject } from "../../../src/project/load-project.ts";

const shop = fileURLToPath(new URL("examples/shop", packageRoot()));

test("examples/shop has no faults, and search with its index only comes when asked for", async () => {
  const { project, warnings } = await loadProject(shop, { cache: false });
  expect(warnings).toEqual([]);
  const names = (roots: readonly string[]): string[] =>
    makeGraphView(project.services, roots).nodes.map(({ name }) => name);
  const usual = names(project.roots);
  expect(usual).toEqual(["app-user", "bootlace/base", "catalog", "newsletter", "shop", "web"]);
  expect(names([...project.roots, "search"]).filter((name) => !usual.includes(name))).toEqual(["index", "search"]);
  expect(project.services.filter(({ onFailure }) => onFailure === "ignore").map(({ name }) => name)).toEqual([
    "newsletter",
  ]);
});
