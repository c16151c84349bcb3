import { createHash } from "node:crypto";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findInSystem } from "../../../src/seal/inside/find-in-system.ts";
import { needlesFor } from "../../../src/seal/needles.ts";
import { makeProject } from "../../support/small-project.ts";

const SECRET = "planted-0123456789";
const needles = needlesFor({ name: "the secret web.token", value: SECRET });
const HOUR = 3_600_000;

test("findInSystem() reads what changed since the build began, however a file's times were set", async () => {
  const root = await makeProject({ "srv/old": SECRET });
  utimesSync(join(root, "srv/old"), 0, 0);
  expect(await findInSystem(needles, Date.now() - HOUR, root)).toEqual([
    { path: "/srv/old", what: "the secret web.token" },
  ]);
  expect(await findInSystem(needles, Date.now() + HOUR, root)).toEqual([]);
});

test("findInSystem() looks at names and leftovers whatever their age, and leaves out a key that a package brought", async () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${"A".repeat(64)}\n`;
  const root = await makeProject({ "etc/ssh/ssh_host_rsa_key": "k", [`srv/${SECRET}`]: "", "usr/share/own.pem": key });
  expect((await findInSystem(needles, Date.now() + HOUR, root)).map(({ path, what }) => `${path} ${what}`)).toEqual([
    "/etc/ssh/ssh_host_rsa_key an SSH host key",
    `/srv/${SECRET} the secret web.token, in its name`,
  ]);
  const changed = await findInSystem(needles, Date.now() - HOUR, root);
  expect(changed.map(({ path }) => path)).toContain("/usr/share/own.pem");
  mkdirSync(join(root, "var/lib/dpkg/info"), { recursive: true });
  const sum = createHash("md5").update(key).digest("hex");
  writeFileSync(join(root, "var/lib/dpkg/info/own.md5sums"), `${sum}  usr/share/own.pem\n`);
  const brought = await findInSystem(needles, Date.now() - HOUR, root);
  expect(brought.map(({ path }) => path)).not.toContain("/usr/share/own.pem");
});
