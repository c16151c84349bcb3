import type { GraphView } from "./graph-view.ts";
import { makeLayers } from "./layers.ts";

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
  const layers = makeLayers(view).map((layer) =>
    layer.map((name) => ({ name, width: Math.ceil(name.length * GLYPH) + 24 })),
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
  const edges = view.nodes.flatMap(({ name, requires, after }) => [
    ...requires.map((other) => edge(boxes.get(name), boxes.get(other), "requires")),
    ...after.map((other) => edge(boxes.get(name), boxes.get(other), "after")),
  ]);
  const nodes = view.nodes.map(({ name, description }) => {
    const box = boxes.get(name);
    return box ? node(name, description, box, view.roots.includes(name)) : "";
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" width="${total}" height="${height}" role="img" aria-label="Graph of services">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1b1f24;text-anchor:middle;dominant-baseline:central}
rect{fill:#f6f8fa;stroke:#57606a}.root rect{fill:#ddf4ff;stroke:#0969da}
path{fill:none;stroke:#57606a}.after{stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22;stroke:#8b949e}.root rect{fill:#0c2d6b;stroke:#58a6ff}path{stroke:#8b949e}}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8" /></marker></defs>
${[...edges, ...nodes].filter((line) => line !== "").join("\n")}
</svg>
`;
}

function edge(from: Box | undefined, to: Box | undefined, kind: "requires" | "after"): string {
  if (!from || !to) return "";
  const x1 = round(from.x + from.width / 2);
  const y1 = from.y + HEIGHT;
  const x2 = round(to.x + to.width / 2);
  const bend = round((y1 + to.y) / 2);
  return `<path class="${kind}" marker-end="url(#tip)" d="M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${to.y}" />`;
}

function node(name: string, description: string, { x, y, width }: Box, root: boolean): string {
  const title = description === "" ? "" : `<title>${escapeXml(description)}</title>`;
  const rect = `<rect x="${round(x)}" y="${y}" width="${width}" height="${HEIGHT}" rx="6" />`;
  const label = `<text x="${round(x + width / 2)}" y="${y + HEIGHT / 2}">${escapeXml(name)}</text>`;
  return `<g${root ? ' class="root"' : ""}>${title}${rect}${label}</g>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b-\u001f]/g, "");
