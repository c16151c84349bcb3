import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { explainFailure } from "../../stage2/packages/managers.ts";
import { repositoryFiles } from "../../stage2/packages/repositories.ts";
import { MachineRig, type ServiceSketch, service } from "../support/machine-rig.ts";

/** This computer's root with a layer in memory over it: real apt and real dpkg, and nothing of it stays. */
const layer = mkdtempSync(join(tmpdir(), "bootlace-layer-"));
const root = join(layer, "root");

const rigs: MachineRig[] = [];
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose();
});
/** A rig whose runner lives in the layer; its folder is the same inside and outside. */
function machine(roots: string[], services: Record<string, ServiceSketch>): MachineRig {
  const rig = new MachineRig(roots, services, ["chroot", root]);
  rigs.push(rig);
  mkdirSync(join(root, rig.dir), { recursive: true });
  execFileSync("mount", ["--bind", rig.dir, join(root, rig.dir)]);
  return rig;
}
const inside = (...argv: string[]): string =>
  execFileSync("chroot", [root, ...argv], { encoding: "utf8", stdio: "pipe" });
const wants = (...apt: string[]) => ({ packages: { apt, dnf: [], apk: [] } });
const installed = (name: string): boolean => {
  try {
    return inside("dpkg-query", "-W", "-f=${db:Status-Status}", name) === "installed";
  } catch {
    return false;
  }
};

describe("packages on a real Debian", () => {
  beforeAll(() => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2g", "tmpfs", layer]);
    for (const folder of ["root", "upper", "work"]) mkdirSync(join(layer, folder));
    const over = `lowerdir=/,upperdir=${join(layer, "upper")},workdir=${join(layer, "work")}`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", over, root]);
    for (const folder of ["proc", "dev", "sys"]) execFileSync("mount", ["--rbind", `/${folder}`, join(root, folder)]);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(root, "run")]);
  });
  afterAll(() => {
    execFileSync("umount", ["--recursive", "--lazy", layer]);
    rmSync(layer, { recursive: true, force: true });
  });

  test("come in one transaction before the inits that need them, once, and a changed list brings the rest", async () => {
    inside("apt-get", "-qq", "-y", "purge", "hello", "sl");
    const rig = machine(["web", "db"], {
      web: { ...wants("hello"), scripts: { init: 'hello >"$WORLD/said"', update: "true" } },
      db: { ...wants("hello"), scripts: { init: "true" } },
    });
    const first = await rig.run();
    expect(first.stderr).toBe("");
    expect(first.started.filter((id) => id.startsWith("packages"))).toEqual(["packages.apt.1"]);
    expect(first.started[0]).toBe("packages.apt.1");
    expect(rig.read("said")).toMatch(/Hello/);
    expect((await rig.run()).started).toEqual(["web.update"]);
    rig.write(["web", "db"], {
      web: { ...wants("hello", "sl"), scripts: { init: 'hello >"$WORLD/said"', update: "true" } },
      db: { ...wants("hello"), scripts: { init: "true" } },
    });
    expect((await rig.run()).started).toEqual(["packages.apt.1", "web.update"]);
    expect(installed("sl")).toBe(true);
  });

  test("that are not there fail the services that asked, by name, and nobody else", async () => {
    const rig = machine(["web", "db", "lone"], {
      web: { ...wants("no-such-package-here"), scripts: { init: 'touch "$WORLD/ran"' } },
      db: { ...wants("no-such-package-here"), scripts: { init: "true" } },
      lone: { scripts: { init: "true" } },
    });
    const run = await rig.run();
    expect(run.code).toBe(1);
    expect(run.close).toMatchObject({ failed: ["packages.apt.1"], blocked: ["db.init", "web.init"] });
    expect(run.events.find((event) => event.k === "fail")).toMatchObject({
      reason: "packages",
      message: expect.stringContaining('package "no-such-package-here" cannot be installed, asked for by db, web'),
    });
    expect(run.started).toContain("lone.init");
    expect(rig.read("ran")).toBe("");
  });
});

describe("explainFailure()", () => {
  test.each([
    ["apt", "E: Unable to locate package foo", /"foo".*web/],
    ["apt", "E: Package 'foo' has no installation candidate", /"foo".*web/],
    ["apt", "dpkg: error processing package foo (--configure):", /"foo".*web/],
    ["dnf", "No match for argument: foo\nError: Unable to find a match: foo", /"foo".*web/],
    ["apk", "ERROR: unable to select packages:\n  foo (no such package):\n    required by: world[foo]", /"foo".*web/],
    ["apt", "E: Sub-process /usr/bin/dpkg returned an error code (1)", /apt failed for the packages of web/],
  ] as const)("finds the package in what %s says: %s", (manager, output, expected) => {
    expect(explainFailure(manager, output, { foo: ["web"] })).toMatch(expected);
  });
});

describe("repositoryFiles()", () => {
  test("writes deb822 sources with their key", () => {
    const web = service("web", {
      repositories: {
        apt: [{ url: "https://deb.example.com", suite: "stable", components: ["main"], key: "repo.asc" }],
        dnf: [],
        apk: [],
      },
    });
    expect(repositoryFiles(web, "apt")).toEqual([
      { path: "/etc/apt/keyrings/bootlace-web-1.asc", content: { from: "repo.asc" } },
      {
        path: "/etc/apt/sources.list.d/bootlace-web-1.sources",
        content: {
          text: "Types: deb\nURIs: https://deb.example.com\nSuites: stable\nComponents: main\nSigned-By: /etc/apt/keyrings/bootlace-web-1.asc\n",
        },
      },
    ]);
  });
});
