import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { hostMachine } from "../../../../src/machine/host/host-machine.ts";
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
