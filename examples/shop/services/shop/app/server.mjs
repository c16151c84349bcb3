import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { SOCKET, CATALOG_FILE, NEWSLETTER_ON, BOOTLACE_BOOT } = process.env;
const products = JSON.parse(readFileSync(CATALOG_FILE, "utf8"));
const rows = products.map(({ name, length, price }) => `<li>${name}, ${length} cm: ${price} €</li>`).join("\n");

createServer((request, answer) => {
  if (request.url === "/health") return void answer.end("well\n");
  answer.setHeader("content-type", "text/html; charset=utf-8");
  answer.end(`<!doctype html>
<title>Shop</title>
<h1>Laces</h1>
<ul>
${rows}
</ul>
<p>Newsletter: ${NEWSLETTER_ON ? "on" : "off"}. This machine's ${BOOTLACE_BOOT === "first" ? "first boot" : "later boot"}.</p>
`);
}).listen(SOCKET, () => process.send?.("listening"));
