import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";

const { ROUTES, PORT, HOST } = process.env;

createServer((incoming, answer) => {
  if (incoming.url === "/health") return void answer.end("well\n");
  const [, name = ""] = /^\/([a-z0-9-]*)/.exec(incoming.url ?? "") ?? [];
  const socketPath = routeOf(name) ?? routeOf("root");
  if (socketPath === undefined) return void answer.writeHead(404).end("nobody is here yet\n");
  const { method, url: path, headers } = incoming;
  const onward = request({ socketPath, method, path, headers }, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  onward.on("error", (error) => answer.writeHead(502).end(`${error.message}\n`));
  incoming.pipe(onward);
}).listen(Number(PORT), HOST, () => process.send?.("listening"));

function routeOf(name) {
  try {
    return name === "" ? undefined : readFileSync(`${ROUTES}/${name}`, "utf8").trim();
  } catch {
    return undefined;
  }
}
