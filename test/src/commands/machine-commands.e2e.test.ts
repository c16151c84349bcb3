import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { runCli } from "../../../src/cli/run-cli.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => {
  // The sandbox's supervisor is this program itself, built.
  if (!existsSync(join(root, "dist", "cli.mjs"))) execFileSync(process.execPath, [join(root, "scripts", "build.mjs")]);
});

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function bootlace(dir: string, ...words: string[]) {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const parts = { cwd: dir, stdout, stderr, signal: new AbortController().signal } as Parameters<typeof runCli>[1];
  const exit = await runCli(words, parts);
  return { exit, out: stdout.text, err: stderr.text };
}

const startsOf = (out: string): string[] =>
  out
    .split("\n")
    .filter((line) => line.includes('"k":"start"'))
    .map((line) => JSON.parse(line).step);

const project = () =>
  makeProject({ ...SMALL, "bootlace.yaml": `${SMALL["bootlace.yaml"]}machines:\n  dev: {on: sandbox, from: web}\n` });

test("build, up, status, logs, reboot, stop and destroy do what they say on one project", async () => {
  const dir = await project();
  const built = await bootlace(dir, "build", "web");
  expect([built.exit, built.err]).toEqual([0, ""]);
  expect(built.out).toMatch(/image base\/\S+, (?:.|\n)*image web\/\S+, .*Start it: bootlace up web/);
  const again = await bootlace(dir, "build", "web");
  expect(again.out).toMatch(/^image web\/\S+ is unchanged, \d+ seconds? old/);
  const images = JSON.parse((await bootlace(dir, "image", "ls", "--json")).out);
  expect(images.map(({ name }: { name: string }) => name)).toEqual(["base", "web"]);
  expect((await bootlace(dir, "image", "show", "web")).out).toContain(`made from  base/${images[0].id}`);

  const up = await bootlace(dir, "up", "dev");
  expect([up.exit, up.err]).toEqual([0, ""]);
  expect(up.out).not.toContain("web.init");
  expect((await bootlace(dir, "status")).out).toMatch(/^dev +running +sandbox +run\n$/);
  expect((await bootlace(dir, "status", "dev")).out).toContain("update done");
  expect((await bootlace(dir, "logs", "dev", "-f")).out).toContain("web.update");
  expect((await bootlace(dir, "reboot", "dev")).out).toContain("web.update");
  expect((await bootlace(dir, "stop", "dev")).exit).toBe(0);
  expect((await bootlace(dir, "status")).out).toMatch(/^dev +stopped/);
  expect((await bootlace(dir, "status", "dev")).exit).toBe(6);
  const asked = await bootlace(dir, "destroy", "dev");
  expect([asked.exit, asked.err]).toEqual([2, expect.stringContaining("--yes")]);
  expect((await bootlace(dir, "destroy", "dev", "--yes")).exit).toBe(0);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  expect((await bootlace(dir, "gc")).out).toBe("Nothing is left over\n");
});

test("up on a machine that runs delivers what changed, and `-s +NAME` brings a service with what it requires", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": "name: small\nruntime: system\nservices: [base]\nmachines:\n  dev: {on: sandbox}\n",
  });
  expect((await bootlace(dir, "up", "dev")).out).not.toContain("web.init");
  const more = await bootlace(dir, "up", "dev", "-s", "+web", "--json");
  expect(startsOf(more.out)).toEqual(["web.init", "base.update", "web.update"]);
  await bootlace(dir, "destroy", "dev", "--yes");
});

test("test runs init, update, reboot, update on a machine that is gone afterwards, and fails when a script does", async () => {
  const dir = await project();
  const good = await bootlace(dir, "test", "web", "--json");
  expect([good.exit, good.err]).toEqual([0, ""]);
  expect(startsOf(good.out)).toEqual([
    "base.init",
    "web.init",
    "base.update",
    "web.update",
    "base.update",
    "web.update",
  ]);
  // Good at the first boot only: what a test without a reboot would not find.
  const script = "description: Web\nupdate: |\n  test ! -e /srv/was-here\n  touch /srv/was-here\n";
  await writeFile(join(dir, "services/web/service.yaml"), script);
  const bad = await bootlace(dir, "test", "web");
  expect([bad.exit, bad.err]).toEqual([1, expect.stringContaining("second boot: web.update failed")]);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  expect(readdirSync(join(dir, ".bootlace", "ledger"))).toEqual([]);
});

test("commands say what is not there and what is near", async () => {
  const dir = await project();
  expect((await bootlace(dir, "build", "wep")).err).toContain('"web"');
  expect((await bootlace(dir, "up", "nobody")).err).toContain("E_MACHINE_UNKNOWN");
  expect((await bootlace(dir, "stop", "dev")).err).toContain("bootlace up dev");
  expect((await bootlace(dir, "stop", "root@10.0.0.1")).err).toContain("E_PROVIDER_UNSUPPORTED");
  expect((await bootlace(dir, "image", "show", "web")).err).toContain("E_IMAGE_UNKNOWN");
  expect((await bootlace(dir, "up", "web")).err).toContain("bootlace build web");
});

test("build --on-error ask without a terminal is refused before anything is made", async () => {
  const dir = await project();
  const { exit, err } = await bootlace(dir, "build", "base", "--on-error", "ask");
  expect([exit, err]).toEqual([2, expect.stringMatching(/E_USAGE.*\n.*--on-error clean or --on-error keep/)]);
  expect(existsSync(join(dir, ".bootlace"))).toBe(false);
});

test("a service that needs systemd is refused before a sandbox is launched", async () => {
  const yaml = "description: Web\nneeds: [systemd]\nupdate: 'true'\n";
  const dir = await makeProject({ ...SMALL, "services/web/service.yaml": yaml });
  expect((await bootlace(dir, "test", "web")).err).toContain("E_MACHINE_NEEDS");
  expect(existsSync(join(dir, ".bootlace", "machines"))).toBe(false);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "build takes everything back after %s in the middle of an init, and exits with %i",
  async (signal, exit) => {
    const held = "description: Base\ninit: |\n  echo held; sleep 1000\n";
    const dir = await makeProject({ ...SMALL, "services/base/service.yaml": held });
    const argv = [join(root, "bin", "bootlace.js"), "-C", dir, "build", "base", "--json"];
    const desk = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(desk, "exit");
    for await (const line of createInterface({ input: desk.stdout })) if (line.includes('"held')) desk.kill(signal);
    expect(await ended).toEqual([exit, null]);
    expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
    expect(readdirSync(join(dir, ".bootlace", "ledger"))).toEqual([]);
  },
);

test("up --watch applies again when a script is saved, outlives a script that fails, and ends with Ctrl-C", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": "name: small\nruntime: system\nservices: [base]\nmachines:\n  dev: {on: sandbox}\n",
  });
  const save = (update: string) =>
    writeFile(join(dir, "services/base/service.yaml"), `description: Base\nupdate: |\n  ${update}\n`);
  const argv = [join(root, "bin", "bootlace.js"), "-C", dir, "up", "dev", "--watch"];
  const desk = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(desk, "exit");
  let stderr = "";
  desk.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  for await (const line of createInterface({ input: desk.stdout })) {
    if (line.startsWith("Watching")) await save("echo broken now; exit 3");
    if (line.includes("| broken now")) await save("echo mended now");
    if (line.includes("| mended now")) desk.kill("SIGINT");
  }
  expect([await ended, stderr]).toEqual([[130, null], ""]);
  expect((await bootlace(dir, "status")).out).toMatch(/^dev +running/);
});
