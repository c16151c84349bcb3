import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureDebianPackages } from "../support/debian.ts";
import { SHELLS, Stage1Rig } from "../support/stage1-rig.ts";

const INSTALL = fileURLToPath(new URL("../../stage1/install", import.meta.url));
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bootlace-install-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
beforeAll(() => ensureDebianPackages(SHELLS.map((shell) => shell.package)));

function install(shell: readonly string[] = ["sh"], ...more: readonly string[]) {
  const [command = "sh", ...rest] = shell;
  const { status, stderr } = spawnSync(command, [...rest, INSTALL, "--root", root, ...more], { encoding: "utf8" });
  return { status, stderr };
}

/** Paths with modes, link targets, inode numbers: equal only when nothing was written again. */
function snapshot(): string {
  return execFileSync("find", [root, "!", "-type", "d", "-printf", "%P %m %i %l\n"])
    .toString()
    .split("\n")
    .sort()
    .join("\n");
}

function withSystemd(): void {
  mkdirSync(join(root, "usr/lib/systemd"), { recursive: true });
  writeFileSync(join(root, "usr/lib/systemd/systemd"), "", { mode: 0o755 });
}

describe("stage1/install", () => {
  test.each(SHELLS)(
    "under $name puts stage1 and the enabled boot hook into a root, and a second time changes nothing",
    ({ argv }) => {
      withSystemd();
      expect(install(argv)).toEqual({ status: 0, stderr: "" });
      expect(readlinkSync(join(root, "usr/lib/bootlace"))).toMatch(/^bootlace-\d/);
      expect(readdirSync(join(root, "usr/lib/bootlace")).sort()).toEqual(readdirSync(join(INSTALL, "..")).sort());
      for (const unit of ["bootlace.service", "bootlace-hostkeys.service"]) {
        expect(statSync(join(root, "etc/systemd/system/multi-user.target.wants", unit)).isFile()).toBe(true);
      }
      expect(statSync(join(root, "etc/bootlace/boot.conf")).mode & 0o777).toBe(0o600);
      expect(statSync(join(root, "usr/bin/bootlace")).mode & 0o777).toBe(0o755);
      const before = snapshot();
      expect(install(argv)).toEqual({ status: 0, stderr: "" });
      expect(snapshot()).toBe(before);
    },
  );

  test("keeps a boot.conf that is there, and replaces it by the one that is given", () => {
    install();
    const conf = join(root, "etc/bootlace/boot.conf");
    writeFileSync(conf, "v=1\nstore=none\n# mine\n");
    install();
    expect(readFileSync(conf, "utf8")).toContain("# mine");
    writeFileSync(join(root, "new.conf"), "v=1\nstore=file:///srv\n");
    install(["sh"], "--conf", join(root, "new.conf"));
    expect(readFileSync(conf, "utf8")).toBe("v=1\nstore=file:///srv\n");
    expect(statSync(conf).mode & 0o777).toBe(0o600);
  });

  test("--no-hook puts stage1 there and no unit, and leaves the units that are there enabled", () => {
    withSystemd();
    expect(install(undefined, "--no-hook")).toEqual({ status: 0, stderr: "" });
    expect(existsSync(join(root, "usr/lib/bootlace/boot"))).toBe(true);
    expect(existsSync(join(root, "etc/systemd/system"))).toBe(false);
    install();
    const before = snapshot();
    install(undefined, "--no-hook");
    expect(snapshot()).toBe(before);
  });

  test("uses cron where there is no systemd, and says so where there is neither", () => {
    expect(install().stderr).toContain("neither systemd nor cron");
    mkdirSync(join(root, "etc/cron.d"), { recursive: true });
    expect(install().stderr).toBe("");
    expect(readFileSync(join(root, "etc/cron.d/bootlace"), "utf8")).toBe("@reboot root /usr/lib/bootlace/boot\n");
  });

  test("switches the link from an older version and leaves that one for whoever still runs it", () => {
    mkdirSync(join(root, "usr/lib/bootlace-0.0.1"), { recursive: true });
    symlinkSync("bootlace-0.0.1", join(root, "usr/lib/bootlace"));
    expect(install().status).toBe(0);
    expect(readlinkSync(join(root, "usr/lib/bootlace"))).not.toBe("bootlace-0.0.1");
    expect(existsSync(join(root, "usr/lib/bootlace-0.0.1"))).toBe(true);
  });

  test("leaves a unit that an operator masked or disabled as it is when a newer one comes", () => {
    withSystemd();
    install();
    const units = join(root, "etc/systemd/system");
    rmSync(join(units, "bootlace.service"));
    symlinkSync("/dev/null", join(units, "bootlace.service"));
    rmSync(join(units, "multi-user.target.wants/bootlace-hostkeys.service"));
    expect(install().status).toBe(0);
    expect(readlinkSync(join(units, "bootlace.service"))).toBe("/dev/null");
    expect(existsSync(join(units, "multi-user.target.wants/bootlace-hostkeys.service"))).toBe(false);
  });

  test("mends what was damaged without taking away what runs from there, and leaves folders that are not its own", () => {
    install();
    const lib = join(root, "usr/lib/bootlace");
    const folder = statSync(lib).ino;
    mkdirSync(join(root, "usr/lib/bootlace-themes"));
    mkdirSync(join(root, "usr/lib/bootlace-1-of-somebody"));
    writeFileSync(join(lib, "http"), "rubbish\n");
    expect(install().status).toBe(0);
    expect(readFileSync(join(lib, "http"), "utf8")).toBe(readFileSync(join(INSTALL, "../http"), "utf8"));
    expect(statSync(lib).ino).toBe(folder);
    expect(readdirSync(join(root, "usr/lib"))).toEqual(
      expect.arrayContaining(["bootlace-themes", "bootlace-1-of-somebody"]),
    );
  });

  test("leaves a desk's own bootlace command alone", () => {
    mkdirSync(join(root, "usr/bin"), { recursive: true });
    symlinkSync("../lib/node_modules/bootlace/bin/bootlace.js", join(root, "usr/bin/bootlace"));
    expect(install()).toMatchObject({ status: 0, stderr: expect.stringContaining("is something else and stays") });
    expect(lstatSync(join(root, "usr/bin/bootlace")).isSymbolicLink()).toBe(true);
  });
});

test("the units are what systemd accepts, and nothing is ordered after the boot hook", () => {
  withSystemd();
  install();
  const units = join(root, "etc/systemd/system");
  // The hook itself stands at its place only on a machine.
  const text = readFileSync(join(units, "bootlace.service"), "utf8");
  writeFileSync(
    join(units, "bootlace.service"),
    text.replace("/usr/lib/bootlace/boot", join(root, "usr/lib/bootlace/boot")),
  );
  const { stderr } = spawnSync(
    "systemd-analyze",
    ["verify", join(units, "bootlace.service"), join(units, "bootlace-hostkeys.service")],
    {
      encoding: "utf8",
    },
  );
  expect(stderr.split("\n").filter((line) => line.includes("bootlace"))).toEqual([]);
  expect(text).toContain("Type=exec\n");
  expect(text).not.toMatch(/^Before=/m);
});

test("`bootlace` on a machine runs the stage2 that booted last, and says when there is none", async () => {
  const rig = new Stage1Rig();
  try {
    const command = fileURLToPath(new URL("../../stage1/bootlace", import.meta.url));
    const env = { ...process.env, BOOTLACE_ROOT: rig.root };
    expect(spawnSync("sh", [command, "status"], { env, encoding: "utf8" })).toMatchObject({ status: 5 });
    rig.point(rig.putBundle("one"));
    await rig.run();
    expect(spawnSync("sh", [command, "status", "--json"], { env }).status).toBe(0);
    expect(rig.ran()[1]).toMatchObject({ mark: "one", args: ["status", "--json"], bundle: rig.record("good")?.bundle });
  } finally {
    rig.dispose();
  }
});
