import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type SandboxHosts, startHosts, type } from "../../support/sandbox-hosts.ts";
import { makeProject } from "../../support/small-project.ts";
import { startRelay } from "../../support/tcp-relay.ts";

/** A service whose update says that it began and waits to be let go. */
const held = () =>
  makeProject({
    "bootlace.yaml": "name: held\nruntime: system\nservices: [slow]\ngroups:\n  game: {hosts: [h1, h2]}\n",
    "services/slow/service.yaml":
      "description: Slow\nupdate: |\n  echo begun; touch /srv/begun\n  until [ -e /srv/go ]; do sleep 0.05; done\n  echo let go; echo once >>/srv/log\n",
  });
const letGo = ({ on }: SandboxHosts) => on("h1", "touch /srv/go");
const hasBegun = ({ on }: SandboxHosts) => on("h1", "until [ -e /srv/begun ]; do sleep 0.05; done");

test("apply while another one runs is refused with exit 3 and names who holds the machine; with --wait it takes its turn", async () => {
  const hosts = await startHosts("h1");
  const dir = await held();
  const first = type(dir, ["apply", "h1", "--yes"]);
  await hasBegun(hosts);
  const second = await type(dir, ["apply", "h1"]);
  expect([second.exit, second.err]).toEqual([
    3,
    expect.stringMatching(/E_LOCKED: h1 is held by the desk of \S+@.*process/),
  ]);
  const third = type(dir, ["apply", "h1", "--wait"]);
  await letGo(hosts);
  expect([(await first).exit, (await third).exit]).toEqual([0, 0]);
  expect(await hosts.on("h1", "cat /srv/log")).toBe("once\nonce\n");
});

test("apply while a run of the machine's own goes on is refused with exit 3 and names the run", async () => {
  const hosts = await startHosts("h1");
  const dir = await held();
  const first = type(dir, ["apply", "h1", "--yes"]);
  await hasBegun(hosts);
  await letGo(hosts);
  await first;
  await hosts.on("h1", "rm /srv/go /srv/begun; setsid bootlace run >/dev/null 2>&1 </dev/null &");
  await hasBegun(hosts);
  const second = await type(dir, ["apply", "h1"]);
  expect([second.exit, second.err]).toEqual([
    3,
    expect.stringMatching(/E_LOCKED: h1 is held by run \S+ \(process \d+ there\)/),
  ]);
  await letGo(hosts);
});

test("apply follows a run to its end over a connection that is cut in the middle, and tells each event once", async () => {
  const hosts = await startHosts("h1");
  const dir = await held();
  const relay = await startRelay(await hosts.port("h1"));
  await hosts.configure({ h1: relay.port });
  const running = type(dir, ["apply", "h1", "--yes", "--json"]);
  await hasBegun(hosts);
  const before = relay.accepted();
  relay.cut();
  await letGo(hosts);
  const { exit, out, err } = await running;
  expect([exit, err]).toEqual([0, ""]);
  expect(relay.accepted()).toBeGreaterThan(before);
  const kinds = out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).k);
  expect(kinds.filter((kind) => kind === "open" || kind === "start" || kind === "close")).toEqual([
    "open",
    "start",
    "close",
  ]);
});

test("Ctrl-C leaves a run going on, says which and where and how to follow it, and exits 130", async () => {
  const hosts = await startHosts("h1");
  const dir = await held();
  const { exit, out } = await type(dir, ["apply", "h1", "--yes"], (text, abort) => {
    if (text.includes("| begun")) abort();
  });
  expect([exit, out]).toEqual([
    130,
    expect.stringMatching(/Run (\S+) goes on on h1\. Follow it: bootlace logs h1 -f\n$/),
  ]);
  const following = type(dir, ["logs", "h1", "-f"]);
  await letGo(hosts);
  expect((await following).out).toMatch(/✔ slow\.update/);
  expect(await hosts.on("h1", "cat /srv/log")).toBe("once\n");
  await writeFile(join(dir, "services/slow/service.yaml"), "description: Slow\nupdate: 'true'\n");
  expect((await type(dir, ["apply", "--retry-failed"])).exit).toBe(0);
});

test("apply of a run that is interrupted on its host exits 1 with E_RUN_FAILED, of one host and of several", async () => {
  const hosts = await startHosts("h1", "h2");
  const dir = await held();
  const stop = "read -r pid rest </var/lib/bootlace/lock; kill -TERM $pid";
  const one = type(dir, ["apply", "h1", "--yes"]);
  await hasBegun(hosts);
  await hosts.on("h1", `${stop}; rm /srv/begun`);
  expect([(await one).exit, (await one).err]).toEqual([1, expect.stringMatching(/E_RUN_FAILED: h1: .*interrupted/)]);
  const two = type(dir, ["apply", "h1", "h2", "--yes"]);
  await hasBegun(hosts);
  await hosts.on("h1", `${stop}; touch /srv/go`);
  await hosts.on("h2", "touch /srv/go");
  expect([(await two).exit, (await two).out]).toEqual([1, expect.stringMatching(/^h1 {2}failed .*E_RUN_FAILED/m)]);
});
