import { expect, test } from "vitest";
import type { GraphView } from "../../../src/graph/graph-view.ts";
import { edgeKey, isBend, makeLayers } from "../../../src/graph/layers.ts";
import { drawMermaid } from "../../../src/graph/mermaid.ts";
import { drawSvg } from "../../../src/graph/svg.ts";
import { drawTree } from "../../../src/graph/tree.ts";

const node = (name: string, requires: string[] = [], after: string[] = []) => ({
  name,
  description: `The ${name} & more`,
  phases: ["init"],
  requires,
  after,
});
const view: GraphView = {
  roots: ["shop"],
  nodes: [node("base"), node("db", ["base"]), node("shop", ["web", "db"]), node("web", ["base"], ["db"])],
};

test("drawTree() opens a shared service once and marks it afterwards", () => {
  const shared: GraphView = {
    roots: ["a"],
    nodes: [node("a", ["b", "c"]), node("b", ["c"]), node("c", ["d"]), node("d")],
  };
  expect(
    drawTree(shared)
      .split("\n")
      .map((line) => line.replace(/ {2}\[.*/, "")),
  ).toEqual(["a", "├─ b", "│  └─ c", "│     └─ d", "└─ c ↑", ""]);
});

test("drawTree() and makeLayers() take chains of thousands of services without a stack of calls", () => {
  const nodes = Array.from({ length: 20_000 }, (_, index) =>
    node(`s${index}`, index < 19_999 ? [`s${index + 1}`] : []),
  );
  expect(drawTree({ roots: ["s0"], nodes: nodes.slice(0, 2000) }).split("\n")).toHaveLength(2001);
  expect(makeLayers({ roots: ["s0"], nodes }).rows).toHaveLength(20_000);
});

test("drawMermaid() draws what is required solid and what is ordered dotted", () => {
  expect(drawMermaid(view)).toBe(`flowchart TD
  s0["base"]
  s1["db"]
  s2(["shop"])
  s3["web"]
  s1 --> s0
  s2 --> s3
  s2 --> s1
  s3 --> s0
  s3 -.-> s1
`);
});

test("makeLayers() puts everything below what needs it", () => {
  const { rows } = makeLayers(view);
  expect(rows.map((row) => row.filter((name) => !isBend(name)))).toEqual([["shop"], ["web"], ["db"], ["base"]]);
});

test("makeLayers() bends an edge in every layer that it crosses", () => {
  const { rows, bends } = makeLayers(view);
  const bent = bends.get(edgeKey("shop", "db")) ?? [];
  expect(bent).toHaveLength(1);
  expect(rows[1]).toEqual(expect.arrayContaining(["web", ...bent]));
  expect(bends.get(edgeKey("shop", "web"))).toEqual([]);
});

test("drawSvg() escapes text and draws every service and edge once", () => {
  const svg = drawSvg(view);
  expect(svg).toContain("The shop &#38; more");
  expect(svg.match(/<rect x=/g)).toHaveLength(4);
  expect(svg.match(/class="requires"/g)).toHaveLength(4);
  expect(svg.match(/class="after"/g)).toHaveLength(1);
});
