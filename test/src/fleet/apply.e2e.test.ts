import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventsOf } from "../../support/desk.ts";
import { type SandboxHosts, startHosts, type } from "../../support/sandbox-hosts.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { startRelay } from "../../support/tcp-relay.ts";

const fleet = (more = "", hosts = "[h1, h2]") =>
  makeProject({
    ...SMALL,
    "bootlace.yaml": `name: small\nruntime: system\nservices: [web]\ngroups:\n  game: {hosts: ${hosts}${more}}\n`,
  });

/** Every file that was made or changed on a host since it was launched: its layer, and what it keeps in memory. */
async function changed({ machines, on }: SandboxHosts, name: string): Promise<string> {
  const contents = await machines[name]!.contents();
  const layer = execFileSync("find", [contents!.path, "-printf", "%P %y %s %T@ %m\n"]).toString();
  return layer + (await on(name, "find /run /tmp /dev/shm -xdev -printf '%p %y %s %m\n' | sort"));
}

test("apply of a host without a journal shows the plan and stops with E_FIRST_CONTACT, and --plan and that change no file", async () => {
  const hosts = await startHosts("h1");
  const dir = await fleet("", "[h1]");
  const before = await changed(hosts, "h1");
  const planned = await type(dir, ["apply", "h1", "--plan"]);
  expect([planned.exit, planned.err]).toEqual([0, ""]);
  expect(planned.out).toMatch(/^h1 \(first contact\): 4 steps for web\n {2}base\.init/);
  const stopped = await type(dir, ["apply", "@game"]);
  expect([stopped.exit, stopped.err]).toEqual([2, expect.stringMatching(/E_FIRST_CONTACT.* h1;(.|\n)*--yes/)]);
  expect(stopped.out).toContain("web.init");
  expect(await changed(hosts, "h1")).toBe(before);

  const first = await type(dir, ["apply", "h1", "--yes"]);
  expect([first.exit, first.err]).toEqual([0, ""]);
  expect(await hosts.on("h1", "cat /srv/log")).toBe("base-init\nweb-init\nbase-update\nweb-update\n");
  const second = await type(dir, ["apply", "h1"]);
  expect([second.exit, second.err]).toEqual([0, ""]);
  expect(second.out).toMatch(/^h1: 2 steps for web\n/);
  expect((await hosts.on("h1", "cat /srv/log")).split("\n").slice(4)).toEqual(["base-update", "web-update", ""]);
});

test("apply to a group goes on where one host fails, tells which step and its output, exits 1, and --retry-failed takes that one alone", async () => {
  const hosts = await startHosts("h1", "h2");
  const dir = await fleet();
  const broken = "test ! -e /srv/broken || { echo the disk is odd; exit 3; }";
  await writeFile(join(dir, "services/base/service.yaml"), `description: Base\nupdate: |\n  ${broken}\n`);
  await hosts.on("h2", "touch /srv/broken");
  const { exit, out, err } = await type(dir, ["apply", "@game", "--yes"]);
  expect([exit, err]).toEqual([1, ""]);
  expect(out).toMatch(/^h1, h2 \(first contact\): 3 steps for web$/m);
  expect(out).toMatch(/^h1 \| ✔ web\.update/m);
  expect(out).toMatch(/^h2 \| ✖ base\.update exit=3/m);
  expect(out).toContain("h2 |   │ the disk is odd\n");
  expect(out).toMatch(
    /^h1 {2}done .*\nh2 {2}failed .* E_RUN_FAILED: base\.update failed; blocked by that: web\.update\n2 machines: 1 done, 1 failed\n$/m,
  );
  await hosts.on("h2", "rm /srv/broken");
  const again = await type(dir, ["apply", "--retry-failed", "--json"]);
  expect([again.exit, again.err]).toEqual([0, ""]);
  const events = eventsOf(again.out) as unknown as readonly { target: string; k: string; outcome?: string }[];
  expect(new Set(events.map(({ target }) => target))).toEqual(new Set(["h2"]));
  expect(events.at(-1)).toMatchObject({ k: "result", target: "h2", outcome: "done" });
  const none = await type(dir, ["apply", "@game", "--retry-failed"]);
  expect([none.exit, none.out]).toEqual([0, "Nothing failed last time\n"]);
});

test("apply reports a host that cannot be reached and goes on: exit 6, and 0 with --skip-unreachable", async () => {
  const hosts = await startHosts("h1", "h2");
  const dir = await fleet();
  await hosts.configure({ h2: 1 });
  const failed = await type(dir, ["apply", "@game", "--yes"]);
  expect([failed.exit, failed.out]).toEqual([6, expect.stringMatching(/^h2 {2}unreachable .*E_SESSION_CONNECT/m)]);
  expect(failed.out).toMatch(/^h1 {2}done/m);
  const skipped = await type(dir, ["apply", "@game", "--skip-unreachable"]);
  expect([skipped.exit, skipped.out]).toEqual([0, expect.stringMatching(/^h2 {2}skipped .*E_SESSION_CONNECT/m)]);
  const last = JSON.parse(await readFile(join(dir, ".bootlace/fleet/last.json"), "utf8")).targets;
  expect([last.h1.outcome, last.h2.outcome]).toEqual(["done", "skipped"]);
});

test("apply --canary begins no other host after a canary failed, and --max-fail none after too many", async () => {
  const hosts = await startHosts("h1", "h2");
  const dir = await fleet();
  await writeFile(join(dir, "services/base/service.yaml"), "description: Base\nupdate: test ! -e /srv/broken\n");
  await hosts.on("h1", "touch /srv/broken");
  const canary = await type(dir, ["apply", "@game", "--yes", "--canary", "1"]);
  expect([canary.exit, canary.out]).toEqual([1, expect.stringMatching(/^h1 {2}failed .*\nh2 {2}not-begun/m)]);
  const limited = await type(dir, ["apply", "@game", "--yes", "--parallel", "1", "--max-fail", "0"]);
  expect([limited.exit, limited.out]).toEqual([1, expect.stringMatching(/^h1 {2}failed .*\nh2 {2}not-begun/m)]);
  expect(await hosts.on("h2", "ls /var/lib/bootlace 2>&1 || true")).toContain("No such file");
  await hosts.on("h1", "rm /srv/broken");
  const good = await type(dir, ["apply", "@game", "--yes", "--canary", "1"]);
  expect([good.exit, good.out]).toEqual([0, expect.stringContaining("2 machines: 2 done\n")]);
});

test("apply keeps no more hosts connected than go at a time: with more, each is connected to again when its turn comes", async () => {
  const hosts = await startHosts("h1", "h2");
  const dir = await fleet();
  const relay = await startRelay(await hosts.port("h1"));
  await hosts.configure({ h1: relay.port });
  expect((await type(dir, ["apply", "@game", "--yes"])).exit).toBe(0);
  expect(relay.accepted()).toBe(1);
  expect((await type(dir, ["apply", "@game", "--parallel", "1"])).exit).toBe(0);
  expect(relay.accepted()).toBe(3);
});
