import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { SOCKET, INDEX_FILE } = process.env;
const index = JSON.parse(readFileSync(INDEX_FILE, "utf8"));

createServer((request, answer) => {
  if (request.url === "/health") return void answer.end("well\n");
  const word = new URL(request.url, "http://shop").searchParams.get("q")?.toLowerCase() ?? "";
  answer.setHeader("content-type", "application/json");
  answer.end(`${JSON.stringify(Object.hasOwn(index, word) ? index[word] : [])}\n`);
}).listen(SOCKET, () => process.send?.("listening"));
