import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { hostMachine } from "../../../../src/machine/host/host-machine.ts";
import { makeLoginUser } from "../../../support/login-user.ts";
import { useSshDesk } from "../../../support/ssh-desk.ts";
import type { Sshd } from "../../../support/sshd.ts";

const desk = useSshDesk();
let sshd: Sshd;
beforeEach(async () => {
  sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
});

const machine = () => hostMachine({ target: `root@127.0.0.1:${sshd.port}` }, { dir: desk.project });

test("hostMachine() opens a session to a host that exists, and knows its boot", async () => {
  const host = machine();
  expect([host.name, host.id, host.provider]).toEqual([`root@127.0.0.1:${sshd.port}`, host.name, "host"]);
  expect(await host.boot()).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  expect(await host.status()).toBe("running");
  const session = await host.session();
  expect(await session.exec(["id", "-u"])).toEqual({ exit: 0, stdout: "0\n", stderr: "" });
  await session.close();
});

test("HostMachine.dispose() closes what is open and leaves the host as it is", async () => {
  const host = machine();
  const session = await host.session();
  await host.dispose();
  await session.closed;
  expect(await host.status()).toBe("running");
});

test("a host that exists already is not started, stopped or captured", async () => {
  for (const act of [machine().start(), machine().stop(), machine().capture("/nowhere")])
    await expect(act).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
});

test("hostMachine() of a login user runs as root by sudo, and asks for the password once for all sessions", async () => {
  const user = makeLoginUser("ALL=(ALL) ALL");
  desk.after(() => user.remove());
  const asked: string[] = [];
  const askSecret = async (question: string) => {
    asked.push(question);
    return user.password;
  };
  const host = hostMachine({ target: `127.0.0.1:${sshd.port}`, login: user.name }, { dir: desk.project, askSecret });
  const session = await host.session();
  expect((await session.exec(["id", "-un"])).stdout).toBe("root\n");
  await host.boot();
  await host.dispose();
  expect(asked).toHaveLength(1);
});

test("HostMachine.session() leaves no connection where the user may not become root", async () => {
  const user = makeLoginUser();
  desk.after(() => user.remove());
  const host = hostMachine({ target: `${user.name}@127.0.0.1:${sshd.port}` }, { dir: desk.project });
  await expect(host.session()).rejects.toMatchObject({ code: "E_SESSION_SUDO" });
  await expect.poll(() => sshd.connections()).toEqual([]);
});

test.each([
  ["systemctl reboot", { systemctl: 'echo "systemctl $*" >>"${0%/*}/called"', reboot: "exit 1" }],
  ["reboot, where systemctl cannot", { systemctl: "exit 1", reboot: 'echo "reboot" >>"${0%/*}/called"' }],
])("HostMachine.reboot() asks the machine by %s, detached from the session", async (words, programs) => {
  const bin = join(desk.dir, "bin");
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const other = await desk.sshd({ config: `SetEnv PATH=${bin}:/usr/sbin:/usr/bin:/sbin:/bin` });
  desk.known(other.knownLine());
  desk.config(desk.plain(other.userKey));
  const host = hostMachine({ target: `root@127.0.0.1:${other.port}` }, { dir: desk.project });
  // This very computer would be rebooted otherwise.
  const session = await host.session();
  const { stdout } = await session.exec(["sh", "-c", "command -v systemctl; command -v reboot"]);
  expect(stdout).toBe(`${bin}/systemctl\n${bin}/reboot\n`);
  await host.reboot();
  await expect.poll(() => readFileSync(join(bin, "called"), "utf8")).toBe(`${words.split(",")[0]}\n`);
});
