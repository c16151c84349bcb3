// Draws terminal output as an SVG picture: `bootlace demo | node scripts/terminal-svg.mjs "bootlace demo" >docs/demo.svg`
import { readFileSync } from "node:fs";

const COLUMNS = 110;
const ROWS = 46;
const title = process.argv[2] ?? "";
const escapeXml = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The colour of a line, by what it begins with. */
function colour(line) {
  if (/^✔/.test(line)) return "#7ec87e";
  if (/^✖.*\(ignored\)|degraded/.test(line)) return "#d9b45b";
  if (/^[✖⊘]/.test(line)) return "#e07a7a";
  if (/^──|^Timeline|^What to/.test(line)) return "#ffffff";
  if (/^(→| {2}\S+ \|| {2}\S+ waits| {2}log:)/.test(line)) return "#8a93a0";
  return "#c9d1d9";
}

const lines = readFileSync(0, "utf8")
  .trimEnd()
  .split("\n")
  .filter((line) => !line.includes("left process"))
  .slice(-ROWS)
  .map((line) => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line));
const height = lines.length * 17 + 60;
const rows = lines.map(
  (line, index) =>
    `<text x="16" y="${56 + index * 17}" fill="${colour(line)}" xml:space="preserve">${escapeXml(line)}</text>`,
);
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${COLUMNS * 7.9 + 32}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="13">
<title>${escapeXml(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
<text x="16" y="26" fill="#8a93a0">$ ${escapeXml(title)}</text>
${rows.join("\n")}
</svg>
`);
