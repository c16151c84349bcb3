import { expect, onTestFinished, test } from "vitest";
import { startHosts, type } from "../../support/sandbox-hosts.ts";
import { makeProject } from "../../support/small-project.ts";

/** An init that asks for a reboot once, and whatever a service needs besides. */
const rebooting = (before: string, more = "", config = "") =>
  makeProject({
    "bootlace.yaml": `name: again\nruntime: system\nservices: [web]\ngroups:\n  game: {hosts: [h1]}\n${config}`,
    "services/web/service.yaml": `description: Web\n${more}init: |\n  echo init >>/srv/log\n  [ -e /srv/up ] || { touch /srv/up; ${before}; exit 194; }\nupdate: echo update >>/srv/log\n`,
  });
/** Takes the boot hook away when the machine goes down: before that, the runner would put it right. */
const noHook =
  "(trap '' TERM; until [ -e /run/bootlace/reboot ]; do sleep 0.05; done; rm -f /usr/lib/bootlace/boot) >/dev/null 2>&1 &";
const opens = (out: string) =>
  out
    .split("\n")
    .filter((line) => line.includes('"k":"open"'))
    .map((line) => JSON.parse(line));

test("apply follows a run over a reboot that it asks for, by the boot hook", async () => {
  const hosts = await startHosts("h1");
  const { exit, out, err } = await type(await rebooting("true"), ["apply", "h1", "--yes", "--json"]);
  expect([exit, err]).toEqual([0, ""]);
  expect(opens(out).map(({ resumed }) => resumed)).toEqual([false, true]);
  expect(await hosts.on("h1", "cat /srv/log")).toBe("init\ninit\nupdate\nupdate\n");
});

test("apply goes on with its run by itself where no boot hook runs after the reboot", async () => {
  const hosts = await startHosts("h1");
  const dir = await rebooting(`${noHook} true`);
  const { exit, out, err } = await type(dir, ["apply", "h1", "--yes", "--no-boot-hook", "--json"]);
  expect([exit, err]).toEqual([0, ""]);
  const [first, second] = opens(out);
  expect([first.run, second.resumed, second.boot === first.boot]).toEqual([second.run, true, false]);
  expect(await hosts.on("h1", "cat /srv/log")).toBe("init\ninit\nupdate\n");
});

test("apply goes on with its run where a host without a boot hook reboots unasked", async () => {
  await startHosts("h1");
  const kill = "read -r pid rest </var/lib/bootlace/lock; kill -s KILL -- -$(ps -o pgid= -p $pid | tr -d ' ')";
  const dir = await rebooting(`${noHook} ${kill}; touch /run/bootlace/reboot; sleep 600`);
  const { exit, out, err } = await type(dir, ["apply", "h1", "--yes", "--no-boot-hook", "--json"]);
  expect([exit, err]).toEqual([0, ""]);
  expect(opens(out).map(({ resumed }) => resumed)).toEqual([false, true]);
});

test("apply sends a secret again after a reboot, and the boot hook's run waits for it", async () => {
  const hosts = await startHosts("h1");
  process.env.BOOTLACE_TEST_TOKEN = "hunter22-production";
  onTestFinished(() => void delete process.env.BOOTLACE_TEST_TOKEN);
  const use = "secrets: {token: {phases: [init]}}\n";
  const dir = await rebooting(
    "cat $BOOTLACE_CREDENTIALS/token >/srv/before",
    use,
    "secrets:\n  web.token: env:BOOTLACE_TEST_TOKEN\n",
  );
  const { exit, out, err } = await type(dir, ["apply", "h1", "--yes", "--json"]);
  expect([exit, err]).toEqual([0, ""]);
  expect(opens(out).map(({ resumed }) => resumed)).toEqual([false, true]);
  expect(await hosts.on("h1", "cat /srv/before; tail -n 1 /srv/log")).toBe("hunter22-productionupdate\n");
});
