import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { MachineRig } from "../support/machine-rig.ts";
import { TestKey } from "../support/stage1-rig.ts";
import { useRigs } from "../support/use-rigs.ts";

const machine = useRigs();
const STAGE1 = fileURLToPath(new URL("../../stage1", import.meta.url));
/** What stage1 says when it hands over. */
const BOOTED = { BOOTLACE_STAGE1: "0.1.0", BOOTLACE_DEGRADED: "" };
const web = { web: { scripts: { update: "true" } } };

function bundleKey(rig: MachineRig, key: TestKey): void {
  mkdirSync(join(rig.bundle, "trust"), { recursive: true });
  writeFileSync(join(rig.bundle, "trust", `${key.id}.pem`), key.trustFile);
}
const trusted = (rig: MachineRig): readonly string[] => {
  const folder = join(rig.root, "etc/bootlace/trust");
  return existsSync(folder) ? readdirSync(folder) : [];
};
function accepted(rig: MachineRig, epoch: number): void {
  mkdirSync(join(rig.root, "var/lib/bootlace/trust"), { recursive: true });
  writeFileSync(join(rig.root, "var/lib/bootlace/trust/test.prod"), `bootlace-pointer 1\n\nepoch=${epoch}\n`);
}

describe("plantKeys()", () => {
  test("trusts a key that came with a bundle, before anything of the bundle can fail", async () => {
    const rig = machine(["web"], { web: { scripts: { update: "exit 1" } } });
    const key = new TestKey(1, 2);
    bundleKey(rig, key);
    const { code, close } = await rig.run(["boot"], BOOTED);
    expect(code).toBe(1);
    const recorded = readFileSync(join(rig.root, "var/lib/bootlace/runs", close.run, "events.jsonl"), "utf8");
    expect(recorded).toMatch(new RegExp(`"W_KEY".*${key.id}`));
    expect(readFileSync(join(rig.root, "etc/bootlace/trust", `${key.id}.pem`), "utf8")).toBe(key.trustFile);
  });

  test("leaves out a key whose epochs are over, whatever an older bundle brings, and never narrows one", async () => {
    const rig = machine(["web"], web);
    const [over, wide] = [new TestKey(1, 1), new TestKey(2, 3)];
    bundleKey(rig, over);
    bundleKey(rig, wide);
    accepted(rig, 2);
    mkdirSync(join(rig.root, "etc/bootlace/trust"), { recursive: true });
    const widened = wide.trustFile.replace("epochs=2-3", "epochs=2-9");
    writeFileSync(join(rig.root, "etc/bootlace/trust", `${wide.id}.pem`), widened);
    await rig.run(["boot"], BOOTED);
    expect(trusted(rig)).toEqual([`${wide.id}.pem`]);
    expect(readFileSync(join(rig.root, "etc/bootlace/trust", `${wide.id}.pem`), "utf8")).toBe(widened);
  });

  test("takes no file whose name is not the id of the key in it", async () => {
    const rig = machine(["web"], web);
    const [ours, theirs] = [new TestKey(1, 2), new TestKey(1, 9)];
    mkdirSync(join(rig.bundle, "trust"), { recursive: true });
    writeFileSync(join(rig.bundle, "trust", `${ours.id}.pem`), theirs.trustFile);
    writeFileSync(join(rig.bundle, "trust/0123456789abcdef.pem"), "bootlace-key 1\nepochs=1-9\n");
    await rig.run(["boot"], BOOTED);
    expect(trusted(rig)).toEqual([]);
  });

  test("goes on with a warning where the folder cannot be written", async () => {
    const rig = machine(["web"], web);
    bundleKey(rig, new TestKey());
    mkdirSync(join(rig.root, "etc/bootlace"), { recursive: true });
    writeFileSync(join(rig.root, "etc/bootlace/trust"), "in the way\n");
    const run = await rig.run(["boot"], BOOTED);
    expect(run.code).toBe(0);
    expect(run.events).toContainEqual(expect.objectContaining({ k: "notice", code: "W_KEY_LOST" }));
  });

  test("does nothing in a run that did not come through stage1", async () => {
    const rig = machine(["web"], web);
    bundleKey(rig, new TestKey());
    await rig.run(["run"]);
    expect(trusted(rig)).toEqual([]);
  });
});

describe("refreshStage1()", () => {
  /** A machine with a stage1 of some version, and a bundle that brings today's. */
  function withStage1(version: string): { rig: MachineRig; link: string } {
    const rig = machine(["web"], web);
    const old = join(rig.dir, "old");
    cpSync(STAGE1, old, { recursive: true });
    const file = join(old, "stage1");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^VERSION=.*$/m, `VERSION=${version}`));
    mkdirSync(join(rig.root, "etc/cron.d"), { recursive: true });
    execFileSync("sh", [join(old, "install"), "--root", rig.root]);
    cpSync(STAGE1, join(rig.bundle, "stage1"), { recursive: true });
    return { rig, link: join(rig.root, "usr/lib/bootlace") };
  }
  const version = (link: string): string =>
    execFileSync("sh", [join(link, "stage1"), "--version"], { encoding: "utf8" }).trim();
  const today = version(STAGE1);

  test("installs a newer stage1 by one change of a link, and leaves the old one for whoever still runs it", async () => {
    const { rig, link } = withStage1("0.0.9");
    const before = readlinkSync(link);
    await rig.run(["boot"], BOOTED);
    expect(version(link)).toBe(today);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(existsSync(join(rig.root, "usr/lib", before, "stage1"))).toBe(true);
    expect(existsSync(join(rig.root, "etc/cron.d/bootlace"))).toBe(true);
  });

  test("brings no older one, as a bundle that was rolled back to would", async () => {
    const { rig, link } = withStage1("99.0.0");
    const before = readlinkSync(link);
    await rig.run(["boot"], BOOTED);
    expect(readlinkSync(link)).toBe(before);
  });

  test("replaces one of the same version that says something else, and then leaves it alone", async () => {
    const { rig, link } = withStage1(today);
    const first = readlinkSync(link);
    const { ino } = lstatSync(link);
    await rig.run(["boot"], BOOTED);
    expect([readlinkSync(link), lstatSync(link).ino]).toEqual([first, ino]);
    writeFileSync(join(rig.bundle, "stage1/fetch"), "# changed\n", { flag: "a" });
    await rig.run(["boot"], BOOTED);
    expect(readlinkSync(link)).not.toBe(first);
    expect(readFileSync(join(link, "fetch"), "utf8")).toContain("# changed");
  });

  test("warns and goes on when it cannot", async () => {
    const { rig, link } = withStage1("0.0.9");
    writeFileSync(join(rig.bundle, "stage1/install"), "echo no room >&2\nexit 1\n");
    const run = await rig.run(["boot"], BOOTED);
    expect(run.code).toBe(0);
    expect(version(link)).toBe("0.0.9");
    const message = `stage1 0.0.9 could not be replaced by ${today}: no room`;
    expect(run.events).toContainEqual(expect.objectContaining({ k: "notice", code: "W_STAGE1", message }));
  });
});

describe("BOOTLACE_DEGRADED", () => {
  test("makes a run that ends well a degraded one, which --strict turns into exit 8", async () => {
    const rig = machine(["web"], web);
    const degraded = { ...BOOTED, BOOTLACE_DEGRADED: "the store is out of reach" };
    const run = await rig.run(["boot"], degraded);
    expect([run.code, run.close.outcome]).toEqual([0, "degraded"]);
    expect(run.events).toContainEqual(
      expect.objectContaining({ code: "W_DEGRADED", message: expect.stringContaining("the store is out of reach") }),
    );
    expect((await rig.run(["boot", "--strict"], degraded)).code).toBe(8);
    expect((await rig.run(["boot", "--strict"], BOOTED)).code).toBe(0);
  });

  test("is in status as stage1 left it", () => {
    const rig = machine(["web"], web);
    mkdirSync(join(rig.root, "var/lib/bootlace"), { recursive: true });
    writeFileSync(join(rig.root, "var/lib/bootlace/degraded"), "it expired\n");
    expect(rig.say("status")).toContain("degraded: it expired");
  });
});

describe("rootsOn()", () => {
  const services = { web: { scripts: { update: "true" } }, metrics: { scripts: { update: "true" } } };
  function tagged(text: string): MachineRig {
    const rig = machine(["web"], services);
    mkdirSync(join(rig.root, "var/lib/bootlace"), { recursive: true });
    writeFileSync(join(rig.root, "var/lib/bootlace/tags"), text);
    return rig;
  }

  test("takes services from the instance's tag, which is stronger than /etc/bootlace/services", async () => {
    const rig = tagged("channel=canary\nservices=metrics\n");
    mkdirSync(join(rig.root, "etc/bootlace"), { recursive: true });
    writeFileSync(join(rig.root, "etc/bootlace/services"), "web\n");
    expect((await rig.run(["boot"])).started).toEqual(["metrics.update"]);
  });

  test("leaves out a name that no service has and is degraded, where it comes from a tag or a file", async () => {
    const rig = tagged("services=metrics wbe\n");
    const run = await rig.run(["boot"]);
    expect([run.code, run.started, run.close.outcome]).toEqual([0, ["metrics.update"], "degraded"]);
    expect(run.events).toContainEqual(expect.objectContaining({ message: expect.stringContaining('is called "wbe"') }));
    // A tag that names nothing else starts nothing else.
    writeFileSync(join(rig.root, "var/lib/bootlace/tags"), "services=wbe\n");
    expect((await rig.run(["boot"])).started).toEqual([]);
    expect((await rig.run(["run", "-s", "wbe"])).code).toBe(2);
  });

  test("adds what the tag has a plus before, and lets the command line decide", async () => {
    const rig = tagged("services=+metrics\n");
    expect((await rig.run(["boot"])).started).toEqual(["metrics.update", "web.update"]);
    expect((await rig.run(["run", "-s", "web"])).started).toEqual(["web.update"]);
  });
});
