import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Machine, Provider } from "../../../src/machine/machine.ts";
import { readJson } from "../../../src/machine/machine-folder.ts";
import { isAlive } from "../../../src/machine/process-identity.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { filesOf, type SandboxState } from "../../../src/machine/sandbox/sandbox-spec.ts";
import { makeSshKey } from "../../../src/session/ssh-key.ts";
import { ensureDebianPackages } from "../../support/debian.ts";
import { makeProject } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";
import { testProvider } from "./provider-contract.ts";

let supervisor: readonly string[];
let provider: Provider;
beforeAll(async () => {
  ensureDebianPackages(["busybox"]);
  supervisor = await supervisorCommand();
  provider = sandboxProvider({ supervisor });
});

const make = async () => sandboxProvider({ supervisor: await supervisorCommand() });
/** The desk knows a sandbox's host key by a file. */
const forgeHostKey = async (dir: string, name: string) => {
  const file = `${filesOf(dir, name).hostKey}.pub`;
  const own = readFileSync(file, "utf8");
  writeFileSync(file, `${makeSshKey("another machine").public}\n`);
  return async () => writeFileSync(file, own);
};
describe("the contract", () =>
  testProvider({ name: "sandbox", make, base: { kind: "host" }, forgeHostKey, within: 30_000 }));

const machines: Machine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.dispose();
});
const launch = async (dir: string, more = {}): Promise<Machine> => {
  const machine = await provider.launch({ name: "dev", dir, base: { kind: "host" }, purpose: "run", ...more });
  machines.push(machine);
  return machine;
};
const run = async (machine: Machine, line: string): Promise<string> => {
  const session = await machine.session();
  const result = await session.exec(["sh", "-c", line]);
  await session.close();
  return result.stdout.trim();
};
const state = async (dir: string): Promise<SandboxState> => {
  const found = await readJson<SandboxState>(filesOf(dir, "dev").state);
  if (!found) throw new Error("no state.json");
  return found;
};
const mountsOfHost = (): string[] =>
  readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes("bootlace") || line.startsWith("overlay"));

test("a sandbox shows nothing of what is this computer's own: /root, /home, /tmp, the project, its Bootlace, its host keys", async () => {
  const dir = await makeProject({ "secret.txt": "x" });
  writeFileSync("/root/.bootlace-test-mark", "x");
  mkdirSync("/var/lib/bootlace", { recursive: true });
  const machine = await launch(dir);
  const seen = await run(
    machine,
    `ls -A /root /home /tmp; ls -A /var/lib | grep -c '^bootlace$'; ls /etc/ssh | grep -c ssh_host; ls ${dir} 2>&1 | grep -c secret`,
  );
  expect(seen).toBe("/home:\n\n/root:\n\n/tmp:\n0\n0\n0");
  expect(existsSync("/root/.bootlace-test-mark")).toBe(true);
  const { rmSync } = await import("node:fs");
  rmSync("/root/.bootlace-test-mark");
});

test("what is written in a sandbox stays in its layer: users, files in /etc, whole folders removed", async () => {
  const machine = await launch(await makeProject({}));
  expect(
    await run(
      machine,
      "useradd --system bltest && id -un bltest && rm -rf /usr/share/doc && ls /usr/share | grep -c '^doc$'",
    ),
  ).toBe("bltest\n0");
  expect(readFileSync("/etc/passwd", "utf8")).not.toContain("bltest");
  expect(existsSync("/usr/share/doc")).toBe(true);
});

test("a sandbox has a minimal /dev, read-only /sys and /proc/sys, and no capability for modules, clock and device nodes", async () => {
  const machine = await launch(await makeProject({}));
  const devices = (await run(machine, "ls /dev")).split("\n");
  expect(devices).toEqual([
    "console",
    "fd",
    "full",
    "null",
    "ptmx",
    "pts",
    "random",
    "shm",
    "stderr",
    "stdin",
    "stdout",
    "tty",
    "urandom",
    "zero",
  ]);
  const tried = await run(
    machine,
    "mknod /tmp/n c 1 3 2>/dev/null || echo no; date -s 2001-01-01 >/dev/null 2>&1 || echo no; (echo x >/proc/sys/kernel/domainname) 2>/dev/null || echo no; mkdir /sys/x 2>/dev/null || echo no",
  );
  expect(tried).toBe("no\nno\nno\nno");
  expect(await run(machine, "ps -e -o comm= | sort -u | head -3; cat /proc/1/comm; hostname")).toContain("dev");
});

test("a sandbox makes no mount on the host, and nothing of it is left after dispose()", async () => {
  const dir = await makeProject({});
  const before = mountsOfHost();
  const machine = await launch(dir);
  await run(machine, "setsid sleep 98765 >/dev/null 2>&1 </dev/null & echo started");
  const { supervisor: held, init } = await state(dir);
  expect(mountsOfHost()).toEqual(before);
  await machine.dispose();
  expect([isAlive(held), isAlive(init)]).toEqual([false, false]);
  expect(commands()).not.toContain("sleep 98765");
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  expect(readdirSync(join(dir, ".bootlace", "sandbox", "machines"))).toEqual([]);
});

test("stop() gives processes TERM and time to end", async () => {
  const dir = await makeProject({});
  const machine = await launch(dir);
  await run(
    machine,
    `setsid sh -c 'trap "echo saved >/srv/saved; exit" TERM; : >/srv/ready1; while :; do sleep 0.05; done' >/dev/null 2>&1 </dev/null &
     until [ -e /srv/ready1 ]; do sleep 0.01; done`,
  );
  await machine.stop();
  await machine.start();
  expect(await run(machine, "cat /srv/saved")).toBe("saved");
});

test("a sandbox dies with its supervisor, and is stopped then, not gone", async () => {
  const dir = await makeProject({});
  const machine = await launch(dir);
  await run(machine, "echo kept >/srv/kept");
  const { supervisor: held, init } = await state(dir);
  process.kill(held.pid, "SIGKILL");
  await expect.poll(() => isAlive(init)).toBe(false);
  expect(await machine.status()).toBe("stopped");
  await machine.start();
  expect(await run(machine, "cat /srv/kept")).toBe("kept");
});

test("PID 1 of a sandbox reaps orphans and runs the boot hook at each start", async () => {
  const machine = await launch(await makeProject({}));
  await run(
    machine,
    "mkdir -p /usr/lib/bootlace; printf '#!/bin/sh\\necho boot >>/srv/boots\\nexit 5\\n' >/usr/lib/bootlace/boot; chmod 755 /usr/lib/bootlace/boot",
  );
  await machine.stop();
  await machine.start();
  expect(
    await run(
      machine,
      "until [ -e /run/bootlace/boot.exit ]; do sleep 0.01; done; cat /srv/boots /run/bootlace/boot.exit",
    ),
  ).toBe("boot\n5");
  await run(machine, "(sh -c 'sleep 0.01 & exit' &) ; sh -c 'sleep 0.02 & exit'");
  expect(
    await run(
      machine,
      "i=0; while grep -qs '^State:.Z' /proc/[0-9]*/status && [ $i -lt 200 ]; do sleep 0.01; i=$((i+1)); done; grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l",
    ),
  ).toBe("0");
});

test("a sandbox reboots by itself when its runner asks for it, at the same address with the same keys", async () => {
  const dir = await makeProject({});
  const machine = await launch(dir);
  const before = await state(dir);
  await run(machine, ": >/run/bootlace/reboot; sleep 5");
  await expect.poll(() => machine.boot().catch(() => before.boot)).not.toBe(before.boot);
  expect((await state(dir)).port).toBe(before.port);
  expect(await run(machine, "grep ^boot= /run/bootlace/seed")).toBe(`boot=${await machine.boot()}`);
});

test("shell() gives a terminal of the person's size, follows its changes, and ends with the shell's exit code", async () => {
  const machine = await launch(await makeProject({}));
  const session = await machine.session();
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 101, rows: 33 });
  let said = "";
  stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes("size 33 101") && stdout.columns === 101) {
      stdout.columns = 77;
      stdout.emit("resize");
    }
  });
  const script =
    "echo size $(stty size); until [ \"$(stty size)\" = '33 77' ]; do sleep 0.02; done; tty; echo $TERM; exit 6";
  const exit = await session.shell({
    argv: ["sh", "-c", script],
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
  });
  expect(exit).toBe(6);
  expect(said).toMatch(/\/dev\/pts\/\d/);
  await session.close();
});

test("launch() refuses an image over a root whose packages changed since", async () => {
  const dir = await makeProject({});
  const machine = await launch(dir);
  await machine.stop();
  const { layer, origin } = await machine.capture(join(dir, "image"));
  const base = { kind: "layers", origin: { ...origin, rootState: "0".repeat(64) }, layers: [layer!] } as const;
  await expect(launch(dir, { name: "second", base })).rejects.toMatchObject({ code: "E_SANDBOX_ROOT_CHANGED" });
});

test("launch() over a root tree shows that tree and nothing of this computer", async () => {
  const dir = await makeProject({ "root/etc/os-release": "ID=tiny\n", "root/bin/.keep": "" });
  const { execFileSync } = await import("node:child_process");
  // busybox with the libraries that it needs is a root tree.
  const fill = `cd "$1/root" && mkdir -p usr/bin && cp /bin/busybox bin/ &&
    ldd /bin/busybox | grep -o '/[^ ]*' | while read -r lib; do mkdir -p ".\${lib%/*}" && cp "$lib" ".$lib"; done &&
    for tool in sh ls cat mkdir umount rmdir sleep env id kill; do ln -s busybox "bin/$tool"; done &&
    ln -s ../../bin/env usr/bin/env`;
  execFileSync("sh", ["-ec", fill, "sh", dir]);
  const machine = await launch(dir, { base: { kind: "root", path: join(dir, "root") } });
  expect(await run(machine, "cat /etc/os-release; id -u; ls /usr")).toBe("ID=tiny\n0\nbin");
});

test("launch() reports what the kernel or a tool said, and leaves nothing, when a sandbox cannot come up", async () => {
  const dir = await makeProject({ "root/etc/os-release": "ID=empty\n" });
  const tried = launch(dir, { base: { kind: "root", path: join(dir, "root") } });
  await expect(tried).rejects.toMatchObject({
    code: "E_SANDBOX_UNAVAILABLE",
    message: expect.stringMatching(/umount|not found|sh/),
  });
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
});

function commands(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      } catch {
        return "";
      }
    });
}
