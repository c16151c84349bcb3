import { execFileSync } from "node:child_process";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { explainFailure } from "../../stage2/packages/managers.ts";
import { repositoryFiles } from "../../stage2/packages/repositories.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { MachineRig, service } from "../support/machine-rig.ts";

const rigs: MachineRig[] = [];
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose();
});
const wants = (...apt: string[]) => ({ packages: { apt, dnf: [], apk: [] } });
const installed = (name: string): boolean => {
  try {
    return (
      execFileSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], { encoding: "utf8", stdio: "pipe" }) ===
      "installed"
    );
  } catch {
    return false;
  }
};

describe("packages on a real Debian", () => {
  beforeAll(() => ensureDebianPackages(["apt"]));

  test("come in one transaction before the inits that need them, once, and a changed list brings the rest", async () => {
    execFileSync("apt-get", ["-qq", "-y", "purge", "hello", "sl"], { stdio: "ignore" });
    const rig = new MachineRig(["web", "db"], {
      web: { ...wants("hello"), scripts: { init: 'hello >"$WORLD/said"', update: "true" } },
      db: { ...wants("hello"), scripts: { init: "true" } },
    });
    rigs.push(rig);
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
    execFileSync("apt-get", ["-qq", "-y", "purge", "hello", "sl"], { stdio: "ignore" });
  });

  test("that are not there fail the services that asked, by name, and nobody else", async () => {
    const rig = new MachineRig(["web", "db", "lone"], {
      web: { ...wants("no-such-package-here"), scripts: { init: 'touch "$WORLD/ran"' } },
      db: { ...wants("no-such-package-here"), scripts: { init: "true" } },
      lone: { scripts: { init: "true" } },
    });
    rigs.push(rig);
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
