import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureDebianPackages } from "../support/debian.ts";
import { ServiceMachine } from "./machine.ts";

beforeAll(() => ensureDebianPackages(["shellcheck", "sudo"]));

const config = (params: string): string =>
  `name: shop\nruntime: system\nservices: [bootlace/base]\nparams: {bootlace/base: ${params}}\nmachines: {dev: {on: sandbox}}\n`;
const ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAnn ann@desk";
const BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBob bob@desk";

test("bootlace/base lets in whom the params name and nobody else, quiets upgrades, and does nothing twice", async () => {
  const dev = await ServiceMachine.make({
    "bootlace.yaml": config(
      `{timezone: Europe/Paris, upgrades: "off", swap: 64M, sudo: [ann], users: "ann ${ANN}\\nbob ${BOB}\\nann ${BOB}\\n"}`,
    ),
  });
  const first = await dev.bootlace("up", "dev");
  expect(first).toMatch(/ann was made[\s\S]*unattended upgrades are off[\s\S]*swap: a sandbox/);
  expect(await dev.on("readlink /etc/localtime; cat /etc/apt/apt.conf.d/99bootlace-upgrades")).toBe(
    '/usr/share/zoneinfo/Europe/Paris\nAPT::Periodic::Update-Package-Lists "0";\nAPT::Periodic::Unattended-Upgrade "0";\n',
  );
  expect(await dev.on("cat ~ann/.ssh/authorized_keys; stat -c '%a %U' ~ann/.ssh ~ann/.ssh/authorized_keys")).toBe(
    `${ANN}\n${BOB}\n700 ann\n600 ann\n`,
  );
  expect(await dev.on("su ann -c 'sudo -n id -un'; visudo -c >/dev/null && echo rules are well")).toBe(
    "root\nrules are well\n",
  );
  expect(await dev.on("bootlace run --plain")).not.toMatch(/keys of|was made|upgrades are|locked/);

  await writeFile(join(dev.dir, "bootlace.yaml"), config(`{users: "bob ${BOB}"}`));
  expect(await dev.bootlace("up", "dev")).toContain("ann is locked out");
  expect(await dev.on("ls ~ann/.ssh ~bob/.ssh | grep -c keys; ls /etc/sudoers.d | grep -c bootlace || true")).toBe(
    "1\n0\n",
  );
  expect(await dev.on("chage -l ann | grep 'Account expires'")).toContain("Jan 02, 1970");
  await writeFile(join(dev.dir, "bootlace.yaml"), config(`{users: "ann ${ANN}\\nbob ${BOB}"}`));
  expect(await dev.bootlace("up", "dev")).toContain("ann may log in again");

  await writeFile(join(dev.dir, "bootlace.yaml"), config(`{users: "../x ${BOB}"}`));
  expect(await dev.run(["up", "dev"])).toMatchObject({ exit: 1 });
});

test("scripts of stock services are clean to ShellCheck", () => {
  const root = "services/bootlace";
  const scripts = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sh"));
  expect(scripts.length).toBeGreaterThan(6);
  for (const script of scripts) {
    // What a script sees beside its own: params and BOOTLACE_*; sourced files have no first line.
    const argv = ["-s", "sh", "-e", "SC2154,SC1091,SC2034", join(root, script)];
    execFileSync("shellcheck", argv, { stdio: "pipe", encoding: "utf8" });
  }
});
