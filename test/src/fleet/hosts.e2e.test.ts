import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startHosts, type } from "../../support/sandbox-hosts.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";

const project = (group: string, services: Readonly<Record<string, string>> = {}) =>
  makeProject({
    ...SMALL,
    "bootlace.yaml": `name: small\nruntime: system\nservices: [web]\ngroups:\n  game: ${group}\n`,
    ...services,
  });

test("a group's services and parameters are laid over the project's, and its hosts keep the services for their boots", async () => {
  const hosts = await startHosts("h1");
  const dir = await project("{hosts: [h1], services: [base], params: {base: {greeting: salve}}}", {
    "services/base/service.yaml":
      'description: Base\nparams: {greeting: hello}\nupdate: |\n  echo "$GREETING" >>/srv/log\n',
  });
  const { exit, err } = await type(dir, ["apply", "h1", "--yes"]);
  expect([exit, err]).toEqual([0, ""]);
  expect(await hosts.on("h1", "cat /srv/log /etc/bootlace/services")).toBe("salve\nbase\n");
});

test("apply -s keeps what was asked for in /etc/bootlace/services, and with --rerun or --phase asks in passing", async () => {
  const hosts = await startHosts("h1");
  const dir = await project("{hosts: [h1]}");
  await type(dir, ["apply", "h1", "--yes", "-s", "base"]);
  expect(await hosts.on("h1", "cat /etc/bootlace/services")).toBe("base\n");
  const added = await type(dir, ["apply", "h1", "-s", "+web", "--phase", "update"]);
  expect([added.exit, added.err]).toEqual([0, ""]);
  expect(await hosts.on("h1", "cat /etc/bootlace/services")).toBe("base\n");
  const rerun = await type(dir, ["apply", "h1", "--rerun", "base.init", "--json"]);
  expect(rerun.out).toContain('"k":"start","step":"base.init"');
});

test("apply --assume-init takes over a host where a service is installed already: its init never runs", async () => {
  const hosts = await startHosts("h1");
  const dir = await project("{hosts: [h1]}");
  const { exit, out } = await type(dir, ["apply", "h1", "--yes", "--assume-init", "base"]);
  expect([exit, out]).toEqual([0, expect.stringContaining("base.init is taken as done")]);
  expect(await hosts.on("h1", "cat /srv/log")).toBe("web-init\nbase-update\nweb-update\n");
  expect((await type(dir, ["plan", "h1"])).out).toMatch(/^2 steps for web\n {2}base\.update/);
});

test("apply refuses a host of another project with E_OTHER_PROJECT, and takes it over only with --take-over", async () => {
  const hosts = await startHosts("h1");
  await type(await project("{hosts: [h1]}"), ["apply", "h1", "--yes"]);
  const other = await makeProject({
    "bootlace.yaml": "name: other\nruntime: system\nservices: [own]\ngroups:\n  game: {hosts: [h1]}\n",
    "services/own/service.yaml": "description: Own\nupdate: echo own >>/srv/log\n",
  });
  const refused = await type(other, ["apply", "h1", "--yes"]);
  expect([refused.exit, refused.err]).toEqual([
    2,
    expect.stringMatching(/E_OTHER_PROJECT: h1 belongs to the project small/),
  ]);
  const taken = await type(other, ["apply", "h1", "--yes", "--take-over"]);
  expect([taken.exit, taken.out]).toEqual([0, expect.stringMatching(/left over: (base|web) is on the machine/)]);
  expect(await hosts.on("h1", "tail -n 1 /srv/log")).toBe("own\n");
});

test("apply --no-boot-hook brings no unit, and a host without systemd units is left without any", async () => {
  const hosts = await startHosts("h1", "h2");
  const dir = await project("{hosts: [h1, h2]}");
  await type(dir, ["apply", "h1", "--yes", "--no-boot-hook"]);
  await type(dir, ["apply", "h2", "--yes"]);
  const unit = "ls /etc/systemd/system/bootlace.service /etc/cron.d/bootlace 2>/dev/null | wc -l";
  expect(Number(await hosts.on("h1", unit))).toBe(0);
  expect(Number(await hosts.on("h2", unit))).toBe(1);
});

test("status, logs, why and plan answer for hosts as for machines, and status @group shows one a line", async () => {
  const hosts = await startHosts("h1", "h2", "h3");
  const dir = await project("{hosts: [h1, h2, h3]}");
  await type(dir, ["apply", "h1", "--yes"]);
  await hosts.configure({ h3: 1 });
  expect((await type(dir, ["status", "h1"])).out).toMatch(/base +init done .*update done/);
  const none = await type(dir, ["status", "h2"]);
  expect([none.exit, none.err]).toEqual([6, expect.stringMatching(/E_NOT_DELIVERED(.|\n)*bootlace apply h2/)]);
  const table = await type(dir, ["status", "@game"]);
  expect([table.exit, table.out]).toEqual([
    6,
    expect.stringMatching(
      /^h1 {2}done .* ago +bundle [0-9a-f]{12}\nh2 {2}Bootlace has never run there\nh3 {2}unreachable: .*\n$/,
    ),
  ]);
  expect((await type(dir, ["logs", "h1"])).exit).toBe(0);
  expect((await type(dir, ["why", "base", "h1"])).out).toMatch(/^base: web → base\n {2}init done at/);
  expect((await type(dir, ["why", "base", "h2"])).out).toContain("next: base.init");
  const near = await type(dir, ["status", "h4"]);
  expect([near.exit, near.err]).toEqual([2, expect.stringMatching(/E_MACHINE_UNKNOWN(.|\n)*Did you mean "h1"/)]);
  const group = await type(dir, ["apply", "@gam"]);
  expect([group.exit, group.err]).toEqual([2, expect.stringMatching(/E_GROUP_UNKNOWN(.|\n)*"@game"/)]);
});

test("do lists actions with their parameters, runs one on a group with what it prints, and tells which failed", async () => {
  const hosts = await startHosts("h1", "h2");
  const action = "{run: ./act.sh, description: Says something}";
  const dir = await project("{hosts: [h1, h2]}", {
    "services/base/service.yaml": `description: Base\nparams: {port: 80}\nactions: {say: ${action}}\n`,
    "services/base/act.sh": '#!/bin/sh\necho "$what on $PORT"\n[ ! -e /srv/broken ] || exit 4\n',
  });
  const early = await type(dir, ["do", "h1", "base.say"]);
  expect([early.exit, early.err]).toEqual([6, expect.stringContaining("E_NOT_DELIVERED")]);
  await type(dir, ["apply", "@game", "--yes"]);
  expect((await type(dir, ["do", "@game"])).out).toBe("h1, h2:\nbase.say  Says something\n      $PORT is 80\n");
  const alone = await type(dir, ["do", "h1", "base.say", "what=it's a word"]);
  expect(alone).toEqual({ exit: 0, out: "it's a word on 80\n", err: "" });
  await hosts.on("h2", "touch /srv/broken");
  const both = await type(dir, ["do", "@game", "base.say", "what=this"]);
  expect(both.exit).toBe(1);
  expect(both.out).toContain("h1 | this on 80\n");
  expect(both.out).toContain("h2 | this on 80\n");
  expect(both.out).toMatch(/^h1 {2}done .*\nh2 {2}failed .*E_ACTION: base\.say failed: exit=?\D?4/m);
  const wrong = await type(dir, ["do", "h1", "base.shout"]);
  expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining("E_UNKNOWN_ACTION")]);
});

test("destroy of a host runs the destroy phases after a yes and keeps the host; --purge takes all of Bootlace from it", async () => {
  const hosts = await startHosts("h1");
  const dir = await project("{hosts: [h1]}");
  await writeFile(
    join(dir, "services/base/service.yaml"),
    "description: Base\ninit: 'true'\nupdate: 'true'\ndestroy: echo destroyed >>/srv/log\n",
  );
  await type(dir, ["apply", "h1", "--yes"]);
  expect((await type(dir, ["destroy", "h1"])).err).toMatch(/E_USAGE(.|\n)*--yes/);
  const kept = await type(dir, ["destroy", "h1", "--yes"]);
  expect([kept.exit, kept.out]).toEqual([0, expect.stringMatching(/h1 stays, with .*--purge\n$/)]);
  expect(await hosts.on("h1", "tail -n 1 /srv/log; ls -d /var/lib/bootlace")).toBe("destroyed\n/var/lib/bootlace\n");
  const gone = await type(dir, ["destroy", "h1", "--yes", "--purge", "--force"]);
  expect([gone.exit, gone.out]).toEqual([0, "Bootlace is gone from h1\n"]);
  expect(
    await hosts.on("h1", "find /etc /usr/lib /usr/bin /var/lib -maxdepth 4 -iname '*bootlace*'; ls /run/bootlace"),
  ).toBe("seed\n");
});

test("destroy of a host guards another project's without --take-over, and has nothing to do where Bootlace never ran", async () => {
  const hosts = await startHosts("h1");
  const dir = await project("{hosts: [h1]}");
  const never = await type(dir, ["destroy", "h1", "--yes"]);
  expect([never.exit, never.out]).toEqual([0, "Bootlace has never run on h1; nothing to do\n"]);
  await type(dir, ["apply", "h1", "--yes"]);
  const forced = await type(dir, ["destroy", "h1", "--yes", "--force"]);
  expect([forced.exit, forced.err]).toEqual([2, expect.stringMatching(/E_USAGE(.|\n)*--force --purge/)]);
  const other = await makeProject({
    "bootlace.yaml": "name: other\nruntime: system\nservices: [own]\ngroups:\n  game: {hosts: [h1]}\n",
    "services/own/service.yaml": "description: Own\nupdate: 'true'\n",
  });
  const words = ["destroy", "h1", "--yes", "--force", "--purge"];
  const guarded = await type(other, words);
  expect([guarded.exit, guarded.err]).toEqual([2, expect.stringMatching(/E_OTHER_PROJECT(.|\n)*--take-over/)]);
  expect(await hosts.on("h1", "ls -d /var/lib/bootlace")).toBe("/var/lib/bootlace\n");
  expect((await type(other, [...words, "--take-over"])).out).toBe("Bootlace is gone from h1\n");
});

test("plan and why take --here or a target, and --root with --here alone", async () => {
  const dir = await project("{hosts: [h1]}");
  for (const words of [["plan"], ["why", "base"]]) {
    const both = await type(dir, [...words, "h1", "--here"]);
    expect([both.exit, both.err]).toEqual([2, expect.stringContaining("E_USAGE: Expected either --here or a target")]);
    const root = await type(dir, [...words, "--root", "/tmp/try"]);
    expect([root.exit, root.err]).toEqual([2, expect.stringContaining("E_USAGE: --root goes only with --here")]);
  }
});

test("apply and plan take an image's parameters and services for a machine that has the image's name; console shows its console", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml":
      "name: small\nruntime: system\nservices: [web]\nimages:\n  mine: {on: sandbox, services: [base], params: {base: {greeting: salve}}}\n",
    "services/base/service.yaml": 'description: Base\nparams: {greeting: hello}\nupdate: echo "said $GREETING"\n',
  });
  expect((await type(dir, ["build", "mine"])).err).toBe("");
  const up = await type(dir, ["up", "mine"]);
  expect([up.exit, up.err]).toEqual([0, ""]);
  const applied = await type(dir, ["apply", "mine"]);
  expect([applied.exit, applied.out]).toEqual([0, expect.stringContaining("said salve")]);
  expect((await type(dir, ["plan", "mine"])).out).toMatch(/^1 step for base\n/);
  const shown = await type(dir, ["console", "mine"]);
  expect([shown.exit, shown.err]).toEqual([0, ""]);
  expect((await type(dir, ["destroy", "mine", "--yes"])).exit).toBe(0);
});

test("apply and do take a machine of the project by its name, which is no first contact", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": "name: small\nruntime: system\nservices: [base]\nmachines:\n  dev: {on: sandbox}\n",
  });
  await type(dir, ["up", "dev"]);
  const { exit, out, err } = await type(dir, ["apply", "dev", "-s", "+web", "--json"]);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toContain('"k":"start","step":"web.init"');
  expect((await type(dir, ["do", "dev"])).out).toBe("No service has an action\n");
  expect((await type(dir, ["destroy", "dev", "--yes"])).exit).toBe(0);
});
