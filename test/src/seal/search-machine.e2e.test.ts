import { afterAll, beforeAll, expect, test } from "vitest";
import type { Machine } from "../../../src/machine/machine.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { needlesFor } from "../../../src/seal/needles.ts";
import { searchMachine } from "../../../src/seal/search-machine.ts";
import type { Session } from "../../../src/session/session.ts";
import { vmFolder } from "../../support/vm.ts";

const folder = vmFolder();
const signal = new AbortController().signal;
const SECRET = 'pä"ss/wörd+0123456789';
const needles = needlesFor({ name: "the secret web.token", value: SECRET });
let machine: Machine;
let session: Session;
const began = Date.now();

beforeAll(async () => {
  machine = await sandboxProvider().launch({ name: "dev", dir: folder.dir, base: { kind: "host" }, purpose: "build" });
  session = await machine.session();
  await on("mkdir -p /var/lib/bootlace/state/web; echo runtime=system >/var/lib/bootlace/current");
});
afterAll(async () => {
  await session.close();
  await machine.dispose();
  folder.remove();
});

const on = async (line: string, stdin?: string): Promise<void> => {
  const { exit, stderr } = await session.exec(
    ["sh", "-euc", line],
    stdin === undefined ? {} : { stdin: Buffer.from(stdin) },
  );
  expect([exit, stderr]).toEqual([0, ""]);
};
/** This computer's own root is below; what it has is not asked for here. */
const search = async (paths: readonly string[]) =>
  (await searchMachine(session, needles, began, signal)).filter(({ path }) => paths.includes(path));

test("searchMachine() finds from inside what a value, a name, a link and a leftover show, and whose file it is", async () => {
  await on("cat >/srv/raw", `user=${SECRET}`);
  await on("base64 -w0 >/var/lib/bootlace/state/web/copy", SECRET);
  await on('ln -s "$(cat)" /srv/link', Buffer.from(SECRET).toString("base64"));
  await on("mkdir -p /srv/u/.ssh; cat >/srv/u/.ssh/id", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  await on("echo k >/etc/ssh/ssh_host_planted_key");
  const paths = [
    "/srv/raw",
    "/var/lib/bootlace/state/web/copy",
    "/srv/link",
    "/srv/u/.ssh/id",
    "/etc/ssh/ssh_host_planted_key",
  ];
  expect((await search(paths)).toSorted((a, b) => a.path.localeCompare(b.path))).toEqual([
    { path: "/etc/ssh/ssh_host_planted_key", what: "an SSH host key" },
    { path: "/srv/link", what: "the secret web.token (encoded), in what the link points to" },
    { path: "/srv/raw", what: "the secret web.token" },
    { path: "/srv/u/.ssh/id", what: "a private key" },
    { path: "/var/lib/bootlace/state/web/copy", what: "the secret web.token (encoded)", service: "web" },
  ]);
});

test("searchMachine() tells the values that it looks for to nobody on the machine", async () => {
  await on(
    "cat >/srv/watch; chmod 755 /srv/watch",
    "#!/bin/sh\nwhile [ ! -e /run/stop ]; do ps -eo args; sleep 0.2; done | sort -u >/run/seen\n",
  );
  await on("setsid /srv/watch >/dev/null 2>&1 </dev/null &");
  await search([]);
  await on(": >/run/stop; while [ ! -s /run/seen ]; do sleep 0.1; done");
  const { stdout } = await session.exec(["sh", "-c", "grep -c input-type=module /run/seen; cat /run/seen"]);
  expect(Number.parseInt(stdout, 10)).toBeGreaterThan(0);
  for (const { bytes } of needles) expect(stdout).not.toContain(bytes.toString());
});
