import type { GraphView } from "./graph-view.ts";
import { edgeKey, isBend, makeLayers } from "./layers.ts";

const HEIGHT = 34;
const GAP_X = 24;
const GAP_Y = 46;
const MARGIN = 20;
/** Mean width of a glyph at 13 px in the fonts named below. */
const GLYPH = 7.8;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** The graph as an SVG drawing that stands alone: solid edges require, dashed ones order. Follows a dark page. */
export function drawSvg(view: GraphView): string {
  const { rows, bends } = makeLayers(view);
  const layers = rows.map((row) =>
    row.map((name) => ({ name, width: isBend(name) ? 0 : Math.ceil(name.length * GLYPH) + 24 })),
  );
  const widths = layers.map((layer) => layer.reduce((sum, { width }) => sum + width + GAP_X, -GAP_X));
  const total = widths.reduce((most, width) => Math.max(most, width), 0) + 2 * MARGIN;
  const boxes = new Map<string, Box>();
  for (const [row, layer] of layers.entries()) {
    let x = (total - (widths[row] ?? 0)) / 2;
    for (const { name, width } of layer) {
      boxes.set(name, { x, y: MARGIN + row * (HEIGHT + GAP_Y), width });
      x += width + GAP_X;
    }
  }
  const height = layers.length * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
  const edge = (from: string, to: string, kind: "requires" | "after"): string => {
    const way = [from, ...(bends.get(edgeKey(from, to)) ?? []), to].flatMap((name) => boxes.get(name) ?? []);
    return drawEdge(way, kind);
  };
  const edges = view.nodes.flatMap(({ name, requires, after }) => [
    ...requires.map((other) => edge(name, other, "requires")),
    ...after.map((other) => edge(name, other, "after")),
  ]);
  const nodes = view.nodes.map(({ name, description }) => {
    const box = boxes.get(name);
    return box ? node(name, description, box, view.roots.includes(name)) : "";
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" width="${total}" height="${height}" role="img" aria-label="Graph of services">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1b1f24;text-anchor:middle}
rect{fill:#f6f8fa;stroke:#57606a}.root rect{fill:#ddf4ff;stroke:#0969da}
path{fill:none;stroke:#57606a}.after{stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22;stroke:#8b949e}.root rect{fill:#0c2d6b;stroke:#58a6ff}path{stroke:#8b949e}}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8" /></marker></defs>
${[...edges, ...nodes].filter((line) => line !== "").join("\n")}
</svg>
`;
}

/** From the foot of the first box through the bends, straight down past each, to the head of the last. */
function drawEdge(way: readonly Box[], kind: "requires" | "after"): string {
  const [first, ...rest] = way;
  if (first === undefined || rest.length === 0) return "";
  let at = { x: round(first.x + first.width / 2), y: first.y + HEIGHT };
  let path = `M${at.x} ${at.y}`;
  for (const [index, { x, y, width }] of rest.entries()) {
    const to = round(x + width / 2);
    const middle = round((at.y + y) / 2);
    path += `C${at.x} ${middle} ${to} ${middle} ${to} ${y}`;
    const isLast = index === rest.length - 1;
    if (!isLast) path += `V${y + HEIGHT}`;
    at = { x: to, y: y + HEIGHT };
  }
  return `<path class="${kind}" marker-end="url(#tip)" d="${path}" />`;
}

function node(name: string, description: string, { x, y, width }: Box, root: boolean): string {
  const title = description === "" ? "" : `<title>${escapeXml(description)}</title>`;
  const rect = `<rect x="${round(x)}" y="${y}" width="${width}" height="${HEIGHT}" rx="6" />`;
  const label = `<text x="${round(x + width / 2)}" y="${y + HEIGHT / 2}" dy=".35em">${escapeXml(name)}</text>`;
  return `<g${root ? ' class="root"' : ""}>${title}${rect}${label}</g>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b-\u001f]/g, "");
