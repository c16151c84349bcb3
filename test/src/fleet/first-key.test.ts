import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { worstExit } from "../../../src/fleet/result.ts";
import { exitOf } from "../../../src/fleet/run-result.ts";
import { type } from "../../support/sandbox-hosts.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";

let sshd: Sshd | undefined;
afterEach(async () => {
  delete process.env.BOOTLACE_SSH_CONFIG;
  await sshd?.stop();
  sshd = undefined;
});

test("apply of a host whose key nobody knows ends with exit 4 and the fingerprint, and --accept-host-key vouches for it once and for all", async () => {
  sshd = await startSshd();
  const config = join(sshd.dir, "config");
  writeFileSync(
    config,
    `Host *\n  User root\n  IdentityFile ${sshd.userKey}\n  IdentitiesOnly yes\n  UserKnownHostsFile /dev/null\n  GlobalKnownHostsFile /dev/null\n`,
  );
  process.env.BOOTLACE_SSH_CONFIG = config;
  const dir = await makeProject(SMALL);
  const host = `127.0.0.1:${sshd.port}`;
  const print = execFileSync("ssh-keygen", ["-lf", join(sshd.dir, "host_ed25519.pub")])
    .toString()
    .split(" ")[1]!;
  const unknown = await type(dir, ["why", "base", host]);
  expect([unknown.exit, unknown.err]).toEqual([4, expect.stringContaining("E_SESSION_HOST_KEY_UNKNOWN")]);
  expect(unknown.err).toContain(print);
  const looked = await type(dir, ["apply", host, "--plan"]);
  expect([looked.exit, looked.err]).toEqual([4, expect.stringContaining(`--accept-host-key ${print}`)]);
  const group = await type(dir, ["apply", host, `localhost:${sshd.port}`]);
  expect([group.exit, group.out.split(`--accept-host-key ${print}`).length]).toEqual([4, 3]);
  const wrong = await type(dir, ["why", "base", host, "--accept-host-key", "SHA256:nothing"]);
  expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining("E_USAGE: --accept-host-key expects")]);
  const planned = await type(dir, ["apply", host, "--plan", "--accept-host-key", print]);
  expect([planned.exit, planned.err]).toEqual([0, ""]);
  expect(readFileSync(join(dir, ".bootlace/known_hosts"), "utf8")).toContain(sshd.hostKey("ed25519"));
  expect((await type(dir, ["apply", host, "--plan"])).exit).toBe(0);
  const two = await type(dir, ["apply", host, "root@127.0.0.2", "--accept-host-key", print]);
  expect([two.exit, two.err]).toEqual([2, expect.stringContaining("vouches for one host")]);
});

test("worstExit() takes the code that matters most: trust, journal, lock, machine, store, service", () => {
  const exits = (...codes: (0 | 1 | 3 | 4 | 5 | 6 | 7)[]) => worstExit(codes.map((exit) => ({ exit })));
  expect([exits(), exits(0, 0), exits(0, 1), exits(1, 5), exits(5, 6), exits(6, 3), exits(3, 7), exits(7, 4)]).toEqual([
    0, 0, 1, 5, 6, 3, 7, 4,
  ]);
});

test("worstExit() is never 0 where a machine failed, and exitOf() takes no code that is not the desk's", () => {
  expect(worstExit([{ exit: 0, outcome: "failed" }])).toBe(1);
  expect(worstExit([{ exit: 0 }, { exit: 143 }])).toBe(1);
  expect([0, 1, 2, 6, 8, 70, 126, 130, 137, 143, 255].map(exitOf)).toEqual([0, 1, 2, 6, 8, 70, 1, 1, 1, 1, 1]);
});
