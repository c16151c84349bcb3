import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { Machine, Provider } from "../../../src/machine/machine.ts";
import { makeMask } from "../../../src/machine/sandbox/mask.ts";
import { maskHashes } from "../../../src/machine/sandbox/mask-hashes.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { makeProject } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});
const machines: Machine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.dispose();
});

test("maskHashes() leaves no hash of a password in the copies, and keeps accounts, dates, locks and modes", async () => {
  const dir = await makeProject({
    "root/etc/shadow":
      "root:$y$j9T$abc$def:20228:0:99999:7:::\nlocked:!$6$salt$hash:20228::::::\ndaemon:*:20228:0:99999:7:::\nsshd:!:20228::::::\nnew:!!:1::::::\nopen::20228:0:99999:7:::\nold:ab1fX9sLkQz2M:1::::::\n",
    "root/etc/shadow-": "root:$1$old$hash:20228:0:99999:7:::\n",
    "root/etc/gshadow": "root:*::\nadm:$6$group$hash:ann:bob\n",
    "root/etc/security/opasswd": "root:0:1:$6$former$hash\n",
  });
  const layer = join(dir, "layer");
  mkdirSync(join(layer, "etc/security"), { recursive: true });
  await maskHashes(layer, join(dir, "root"));
  const read = (name: string) => readFileSync(join(layer, name), "utf8");
  expect(read("etc/shadow")).toBe(
    "root:*:20228:0:99999:7:::\nlocked:*:20228::::::\ndaemon:*:20228:0:99999:7:::\nsshd:!:20228::::::\nnew:!!:1::::::\nopen:*:20228:0:99999:7:::\nold:*:1::::::\n",
  );
  expect(read("etc/shadow-")).toBe("root:*:20228:0:99999:7:::\n");
  expect(read("etc/gshadow")).toBe("root:*::\nadm:*:ann:bob\n");
  expect(read("etc/security/opasswd")).toBe("");
});

test("makeMask() covers this computer's own password files, with their owner and mode", async () => {
  const dir = await makeProject({});
  await makeMask(dir, "/", []);
  const owned = (file: string) => {
    const { uid, gid, mode } = statSync(file);
    return { uid, gid, mode };
  };
  for (const name of ["etc/shadow", "etc/gshadow"])
    expect([name, owned(join(dir, "mask", name))]).toEqual([name, owned(`/${name}`)]);
});

test("useradd and passwd work in a sandbox, and the layer's shadow file holds no hash but the new one", async () => {
  const dir = await makeProject({});
  const machine = await provider.launch({ name: "dev", dir, base: { kind: "host" }, purpose: "build" });
  machines.push(machine);
  const session = await machine.session();
  const added = await session.exec(["sh", "-c", "useradd bltest && usermod -p '$6$mine$hash' bltest && id -un bltest"]);
  await session.close();
  expect([added.stdout, added.stderr]).toEqual(["bltest\n", ""]);
  const lines = readFileSync(join((await machine.contents())?.path ?? "", "etc/shadow"), "utf8")
    .split("\n")
    .filter(Boolean);
  const users = readFileSync("/etc/shadow", "utf8").split("\n").filter(Boolean).length;
  expect(lines).toHaveLength(users + 1);
  expect(lines.filter((line) => !/^[^:]+:[!*]+:/.test(line))).toEqual([
    expect.stringMatching(/^bltest:\$6\$mine\$hash:/),
  ]);
});
