import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findImage } from "../../src/image/find-image.ts";
import { ARM, armArguments, NOTHING_INHERITED } from "../../src/machine/ec2/guest-scripts.ts";
import { lookUp } from "../../src/machine/find-machine.ts";
import type { Machine } from "../../src/machine/machine.ts";
import { isAlive } from "../../src/machine/process-identity.ts";
import { filesOf } from "../../src/machine/qemu/qemu-spec.ts";
import { qmp } from "../../src/machine/qemu/qmp.ts";
import type { CloseEvent } from "../../src/machine/run/follow-run.ts";
import { Link } from "../../src/machine/run/link.ts";
import { followBoot, rebootMachine } from "../../src/machine/run/run-phase.ts";
import { bringUp } from "../../src/machine/up.ts";
import { buildImage } from "../../src/recipe/build/build-image.ts";
import { listLedger } from "../../src/recipe/ledger.ts";
import { settle } from "../../src/recipe/settle.ts";
import type { Event } from "../../stage2/index.ts";
import { type } from "../support/sandbox-hosts.ts";
import { cutPower, makeVmBase, runOn, vmProvider, vmState } from "../support/vm.ts";
import { type E2eProject, e2eProject, IDENTITY } from "./project.ts";
import { asSudoHost } from "./vm-host.ts";

/** One image and one machine for all tests: each boot takes a quarter of a minute where the processor is emulated. */
let project: E2eProject;
let dir: string;
const seen: Event[] = [];
const never = new AbortController().signal;
const TOKEN = randomBytes(18).toString("base64");

beforeAll(async () => {
  process.env.BOOTLACE_E2E_TOKEN = TOKEN;
  await makeVmBase();
  project = await e2eProject();
  dir = project.dir;
});
afterAll(() => project.remove());
beforeEach(() => void seen.splice(0));

const report = (event: Event): void => void seen.push(event);
const steps = (kind: "start" | "done" | "fail"): readonly string[] =>
  seen.flatMap((event) => (event.k === kind ? [event.step] : []));
const output = (step: string): string =>
  seen.flatMap((event) => (event.k === "output" && event.step === step ? [event.text] : [])).join("");
const up = (services: readonly string[] = [], signal = never, onEvent = report) =>
  bringUp({ dir, target: "dev", services, onEvent, signal });
const dev = async (): Promise<Machine> => {
  const machine = await lookUp(dir, "dev");
  if (!machine) throw new Error("dev is not up");
  return machine;
};
const on = async (line: string): Promise<string> => runOn(await dev(), line);
const bootOf = async (machine: Machine): Promise<CloseEvent> => {
  const link = new Link(machine);
  try {
    return await followBoot(link, { onEvent: report });
  } finally {
    await link.close();
  }
};
/** Resolves when a step has started, with what was promised going on. */
const started = (step: string) => {
  let tell: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return {
    begun,
    onEvent: (event: Event): void => {
      report(event);
      if (event.k === "start" && event.step === step) tell();
    },
  };
};
const left = (): readonly string[] => ["machines", "ledger"].flatMap((name) => entriesOf(join(dir, ".bootlace", name)));
const entriesOf = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

describe("an image of a VM", () => {
  test("is built over a reboot that an init asks for, sealed, searched, started once, and leaves nothing but itself", async () => {
    const { image } = await buildImage({ dir, image: "web", provider: vmProvider(), report, signal: never });
    expect(steps("done")).toEqual(["base.init", "web.init", "web.update"]);
    expect(seen.filter((event) => event.k === "open" && event.resumed)).toHaveLength(1);
    expect(image).toMatchObject({ name: "web", provider: "qemu", roots: ["web"] });
    expect(image.packages.some((line) => line.startsWith("systemd "))).toBe(true);
    expect(left()).toEqual([]);
    expect(await listLedger(dir)).toEqual([]);
  });

  test.each(["init", "seal", "capture", "smoke"])(
    "is undone by Ctrl-C at %s, and nothing of it is left",
    async (step) => {
      const abort = new AbortController();
      const interrupt = (event: Event): void => {
        if (event.k === "desk-start" && event.step === step) setImmediate(() => abort.abort("SIGINT"));
      };
      const tried = buildImage({ dir, image: "more", provider: vmProvider(), report: interrupt, signal: abort.signal });
      await expect(tried).rejects.toMatchObject({ name: "AbortError" });
      expect(left()).toEqual([]);
      expect(entriesOf(join(dir, ".bootlace", "images", "more"))).toEqual([]);
    },
  );

  test("is not made of a machine whose stopped disk holds a secret in base64: file, secret and service are named", async () => {
    const tried = buildImage({ dir, image: "leaky", provider: vmProvider(), report, signal: never });
    await expect(tried).rejects.toMatchObject({
      code: "E_IMAGE_NOT_CLEAN",
      message: expect.stringMatching(/\/var\/lib\/bootlace\/state\/leaky\/copy: .*leaky\.token/),
    });
    // Its builder came up from an image of ours, whose boot hook knew that it was a builder.
    expect(steps("done")).toEqual(["leaky.init"]);
    expect(left()).toEqual([]);
  });
});

describe("a machine of that image", () => {
  test("updates at its first boot by its own systemd, is another machine, and knows nothing of the builder's secret", async () => {
    const { close } = await up();
    expect(close.outcome).toBe("done");
    expect(steps("done")).toEqual(["web.update"]);
    expect(await on("cat /srv/updates")).toBe("first boot");
    const boots = (await on("cut -d' ' -f2 /srv/boots")).split("\n");
    expect(boots).toEqual(["new", "interrupted"]);
    expect(new Set((await on("cut -d' ' -f1 /srv/boots")).split("\n")).size).toBe(2);
    expect(await on("systemctl show -p ActiveState --value bootlace.service web.service | xargs")).toBe(
      "inactive active",
    );
    expect(await on("cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
    const builder = (await on("cat /srv/builder")).split("\n");
    expect(builder).toHaveLength(2);
    for (const line of (await on(IDENTITY)).split("\n")) expect(builder).not.toContain(line);
    expect(await on(`grep -rlF '${TOKEN}' /etc /srv /var /root 2>/dev/null | head -1`)).toBe("");
    expect((await findImage(dir, "web"))?.layers).toHaveLength(1);
  });

  test("is another one than its sister from the same image: host keys and machine-id", async () => {
    const told = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub";
    const own = await on(told);
    const image = await findImage(dir, "web");
    const { machine } = await bringUp({ dir, target: "web", onEvent: () => {}, signal: never });
    const sister = await runOn(machine, told);
    expect(image?.name).toBe("web");
    for (const line of own.split("\n")) expect(sister.split("\n")).not.toContain(line);
  });

  test("is cut off when it does not end in its time, and stop() says so", async () => {
    const sister = await vmProvider({ stopWithin: 1_000 }).find(dir, "web");
    if (!sister) throw new Error("the sister is gone");
    const { process: qemu } = await vmState(dir, "web");
    // Nobody hears the power button.
    await runOn(sister, "systemctl mask --runtime --now systemd-logind.service");
    expect(await sister.stop()).toBe("cut off");
    expect([isAlive(qemu), await sister.status()]).toEqual([false, "stopped"]);
    await sister.dispose();
  });

  test("updates again after a reboot, which its boot id proves", async () => {
    const machine = await dev();
    const before = await machine.boot();
    const link = new Link(machine);
    expect(await rebootMachine(link)).not.toBe(before);
    await link.close();
    expect((await bootOf(machine)).outcome).toBe("done");
    expect(await on("cat /srv/updates")).toBe("first boot\nagain boot");
  });

  test("brings along the missing init of a service that is asked for later", async () => {
    const { close } = await up(["+late"]);
    expect(close.outcome).toBe("done");
    expect(steps("done").slice(0, 2)).toEqual(["lib.init", "late.init"]);
    expect(await on("cat /srv/late")).toBe("lib\nlate\nlate-update");
  });

  test("finishes an init in whose middle the power was cut", async () => {
    await on(": >/srv/hold; sync");
    const { begun, onEvent } = started("slow.init");
    const abort = new AbortController();
    const cut = up(["+slow"], abort.signal, onEvent).catch((error: Error) => error.name);
    await begun;
    while ((await on("cat /srv/slow 2>&1")) !== "new") await new Promise((resolve) => setTimeout(resolve, 200));
    await cutPower(dir, "dev");
    abort.abort("the power is gone");
    expect(await cut).toBe("AbortError");
    const machine = await dev();
    expect(await machine.status()).toBe("stopped");
    await machine.start();
    await on("rm /srv/hold");
    expect((await bootOf(machine)).outcome).toBe("done");
    expect(await on("cat /srv/slow")).toBe("new\ninterrupted\ndone");
  });

  test("finishes an update in whose middle the power was cut", async () => {
    await on("rm /srv/updates; : >/srv/hold; sync");
    const machine = await dev();
    const link = new Link(machine);
    await rebootMachine(link);
    while (!(await on("cat /srv/updates 2>&1")).startsWith("again"))
      await new Promise((resolve) => setTimeout(resolve, 200));
    await on("sync");
    await link.close();
    await cutPower(dir, "dev");
    await machine.start();
    await on("rm /srv/hold");
    expect((await bootOf(machine)).outcome).toBe("done");
    expect((await on("cat /srv/updates")).split("\n")).toHaveLength(2);
    expect(await on("systemctl is-active web")).toBe("active");
  });
});

describe("trouble", () => {
  test("a run goes on and is followed to its end when its session is killed, and no event comes twice", async () => {
    await on(": >/srv/hold");
    const { begun, onEvent } = started("cut.init");
    const run = up(["+cut"], never, onEvent);
    await begun;
    // Its own session is among them.
    await on("pkill -KILL -f '^sshd: root'").catch(() => "");
    await on("rm /srv/hold");
    expect((await run).close.outcome).toBe("done");
    expect(output("cut.init")).toBe("one\ntwo\n");
    expect(steps("start").filter((step) => step === "cut.init")).toHaveLength(1);
  });

  test("a run is followed to its end when the network was gone for so long that the session was given up", async () => {
    await on(": >/srv/hold");
    const machine = await dev();
    const other = await machine.session();
    const { begun, onEvent } = started("gone.init");
    const run = up(["+gone"], never, onEvent);
    await begun;
    const link = (up: boolean) => qmp(filesOf(dir, "dev").folder, "set_link", { name: "net", up });
    await link(false);
    await other.closed;
    await link(true);
    await on("rm /srv/hold");
    expect((await run).close.outcome).toBe("done");
    expect(output("gone.init")).toBe("one\ntwo\n");
  });

  test("settle() waits for who holds a package manager's lock, and names it when its patience ends", async () => {
    const session = await (await dev()).session();
    const hold =
      ": >/run/hold; setsid flock /var/lib/dpkg/lock-frontend sh -c ': >/run/held; while [ -e /run/hold ]; do sleep 0.1; done' >/dev/null 2>&1 </dev/null & while [ ! -e /run/held ]; do sleep 0.1; done";
    await session.exec(["sh", "-c", hold]);
    await expect(settle(session, never, 1)).rejects.toMatchObject({
      code: "E_REMOTE_COMMAND",
      message: expect.stringMatching(/\/var\/lib\/dpkg\/lock-frontend is held by process \d+ \(flock/),
    });
    const settled = settle(session, never, 600);
    await session.exec(["rm", "/run/hold"]);
    await settled;
    await session.close();
  });

  test("a full disk fails the step that met it and the next delivery, both by name; with room again all ends well", async () => {
    const { close } = await up(["+full"]);
    expect([close.outcome, close.failed]).toEqual(["failed", ["full.init"]]);
    await expect(up(["+full"])).rejects.toMatchObject({
      code: "E_REMOTE_COMMAND",
      message: expect.stringMatching(/^VM dev: bootlace-deliver ended with exit \d+: .*No space left on device/s),
    });
    await on("rm -f /srv/full /srv/full2 /srv/full3");
    expect((await up(["+full"])).close.outcome).toBe("done");
    expect(await on("systemctl is-active web")).toBe("active");
  });

  test("a run that asks for a reboot is gone on with by the desk where the boot hook is disabled, which stays so", async () => {
    await on("systemctl disable bootlace");
    const { close } = await up(["+unhooked"]);
    expect(close.outcome).toBe("done");
    expect(await on("cat /srv/unhooked")).toBe("new\ninterrupted");
    expect(await on("systemctl is-enabled bootlace")).toBe("disabled");
    await on("systemctl enable bootlace");
  });

  test("a dead-man timer that nobody renews powers a machine with systemd off, and nothing of it is there at the next boot", async () => {
    const machine = await dev();
    const session = await machine.session();
    const armed = await session.exec(["sh", "-c", ARM, "bootlace-dead-man", ...armArguments("build-x/vm", 1)]);
    expect([armed.exit, armed.stderr]).toEqual([0, ""]);
    await session.closed;
    while ((await machine.status()) !== "stopped") await new Promise((resolve) => setTimeout(resolve, 200));
    await machine.start();
    expect((await bootOf(machine)).outcome).toBe("done");
    expect(await on(NOTHING_INHERITED)).toBe("");
  });

  test("an sshd that starts late is waited for", async () => {
    await on(
      "mkdir -p /etc/systemd/system/ssh.service.d; printf '[Service]\\nExecStartPre=/bin/sh -c \"while [ ! -e /run/late ]; do sleep 1; done\"\\nTimeoutStartSec=300\\n' >/etc/systemd/system/ssh.service.d/late.conf; printf '[Unit]\\nDefaultDependencies=no\\n[Service]\\nType=oneshot\\nExecStart=/bin/sh -c \"sleep 20; : >/run/late\"\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/late.service; systemctl daemon-reload; systemctl enable late",
    );
    const machine = await dev();
    await machine.stop();
    await machine.start();
    expect(await on("cat /run/late && systemctl is-active ssh")).toBe("active");
    expect((await bootOf(machine)).outcome).toBe("done");
  });
});

describe("a host that exists, entered as a user who becomes root by sudo", () => {
  const host = "ops@vmhost";
  let config = "";
  beforeAll(async () => {
    config = await asSudoHost(dir, await dev(), "vmhost");
  });
  beforeEach(() => {
    process.env.BOOTLACE_SSH_CONFIG = config;
  });

  test("is applied to over a reboot that an init asks for, and followed to the end", async () => {
    const before = await on("cat /proc/sys/kernel/random/boot_id");
    const { exit, out, err } = await type(dir, ["apply", host, "-s", "+again", "--yes"]);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toMatch(/again\.init asks for a reboot/);
    expect(out).toMatch(/^run \S+ done in /m);
    expect(await on("cat /srv/again")).toBe("new\ninterrupted");
    expect(await on("cat /proc/sys/kernel/random/boot_id")).not.toBe(before);
  });

  test("is rebooted, proven by its boot id, and its services' state is told", async () => {
    const before = await on("cat /proc/sys/kernel/random/boot_id");
    const rebooted = await type(dir, ["reboot", host]);
    expect([rebooted.exit, rebooted.err]).toEqual([0, ""]);
    expect(await on("cat /proc/sys/kernel/random/boot_id")).not.toBe(before);
    const { exit, out } = await type(dir, ["status", host]);
    expect([exit, out]).toEqual([0, expect.stringContaining("web")]);
  });
});

test("bootlace shell runs a command on a VM, and bootlace destroy leaves nothing of it", async () => {
  const shell = await type(dir, ["shell", "dev", "--", "sh", "-c", "systemctl is-active -q web && exit 7"]);
  expect([shell.exit, shell.err]).toEqual([7, ""]);
  const { folder } = filesOf(dir, "dev");
  const { process: qemu } = await vmState(dir, "dev");
  const destroyed = await type(dir, ["destroy", "dev", "--yes"]);
  expect([destroyed.exit, destroyed.err]).toEqual([0, ""]);
  expect(entriesOf(folder)).toEqual([]);
  expect(() => process.kill(qemu.pid, 0)).toThrow("ESRCH");
});
