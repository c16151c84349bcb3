import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { certify } from "../support/certificates.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { Stage1Rig } from "../support/stage1-rig.ts";

let rig: Stage1Rig;
const servers: Server[] = [];
beforeAll(() => ensureDebianPackages(["curl", "openssl"]));
beforeEach(() => {
  rig = new Stage1Rig();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rig.dispose();
});

type Listener = Parameters<typeof createPlain>[1];
const files: Listener = (request, response) => {
  const file = join(rig.store, request.url ?? "");
  // Nothing is kept open, so that closing the server ends it.
  response.setHeader("connection", "close");
  if (existsSync(file)) createReadStream(file).pipe(response);
  else response.writeHead(404).end();
};

async function port(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A store behind https whose certificate is for `name`, which this computer may know as localhost. */
async function secure(name: string, listener: Listener = files) {
  const folder = join(rig.home, "certificates");
  mkdirSync(folder);
  const { authority, ...own } = certify(folder, name);
  rig.writeConf({ store: `https://localhost:${await port(createServer(own, listener))}`, deadline: "2" });
  return { CURL_CA_BUNDLE: authority };
}

test("stage1 boots from an https store whose certificate is signed by an authority that it trusts", async () => {
  const trust = await secure("localhost");
  rig.point(rig.putBundle("one"));
  const { code, stderr } = await rig.run(["sh"], [], trust);
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/trying again|certificate/);
  expect(rig.marks()).toEqual(["one"]);
});

test("stage1 refuses an https store whose certificate nobody it trusts has signed, and runs the last good bundle", async () => {
  const trust = await secure("localhost");
  rig.point(rig.putBundle("one"));
  await rig.run(["sh"], [], trust);
  rig.point(rig.putBundle("two"));
  const { code, stderr } = await rig.run(["sh"]);
  expect({ code, marks: rig.marks() }).toEqual({ code: 0, marks: ["one", "one"] });
  expect(stderr).toMatch(/certificate/);
  expect(rig.ran()[1]?.degraded).toMatch(/certificate/);
});

test("stage1 refuses an https store whose certificate is for another host", async () => {
  const trust = await secure("store.example");
  rig.point(rig.putBundle("one"));
  expect(await rig.run(["sh"], [], trust)).toMatchObject({ code: 5, stderr: expect.stringMatching(/certificate/) });
  expect(rig.marks()).toEqual([]);
});

test("stage1 does not follow an https store to one that anybody could answer for", async () => {
  const plain = await port(createPlain(files));
  const trust = await secure("localhost", (request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${plain}${request.url}`, connection: "close" }).end();
  });
  rig.point(rig.putBundle("one"));
  const { code, stderr } = await rig.run(["sh"], [], trust);
  expect({ code, marks: rig.marks() }).toEqual({ code: 5, marks: [] });
  expect(stderr).toMatch(/"?http"? (?:not supported|disabled|.*disabled)/i);
});
