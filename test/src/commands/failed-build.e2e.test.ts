import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { deskArch } from "../../../src/runtime/pinned.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => {
  if (!existsSync(join(root, "dist", "cli.mjs"))) execFileSync(process.execPath, [join(root, "scripts", "build.mjs")]);
});

/** The real command, to the end of its process. */
async function bootlace(dir: string, words: readonly string[], more: { uid?: number; env?: NodeJS.ProcessEnv } = {}) {
  const argv = [join(root, "bin", "bootlace.js"), "-C", dir, ...words];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"], ...more });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const [exit] = await once(child, "close");
  return { exit, out, err };
}

const BAD = { ...SMALL, "services/base/service.yaml": "description: Base\ninit: |\n  echo no luck; exit 3\n" };

test("build --on-error keep ends, leaves the machine, names how to go on, and gc --all removes it", async () => {
  const dir = await makeProject(BAD);
  const { exit, out } = await bootlace(dir, ["build", "base", "--on-error", "keep"]);
  expect(exit).toBe(1);
  const [id = ""] = readdirSync(join(dir, ".bootlace", "machines"));
  expect(out).toContain(`bootlace build base --arch ${deskArch()} --resume ${id};`);
  const never = await bootlace(dir, ["build", "base", "--resume", "build-base-never"]);
  expect([never.exit, never.err]).toEqual([2, expect.stringContaining("`bootlace gc --plan --all`")]);
  expect((await bootlace(dir, ["gc", "--plan", "--all"])).out).toContain(id);
  expect((await bootlace(dir, ["gc", "--all"])).out).toContain(`removed ${id}`);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
});

test.each([["build"], ["test"]])(
  "a failed %s names the failed script's log at the desk, and it is there when the machine is gone",
  async (command) => {
    const dir = await makeProject(BAD);
    const { err } = await bootlace(dir, [command, "base"]);
    const [, log = ""] = /Read (\/\S+)/.exec(err) ?? [];
    expect(log.slice(dir.length)).toMatch(/^\/\.bootlace\/logs\/[\w-]+\/[\w-]+\/base\.init\.log$/);
    expect(readFileSync(log, "utf8")).toBe("no luck\n");
    expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  },
);

test("test without --shell and --watch has no step visit", async () => {
  const dir = await makeProject(SMALL);
  const { exit, out } = await bootlace(dir, ["test", "base", "--json"]);
  const steps = out.split("\n").flatMap((line) => (line.includes('"desk-done"') ? [JSON.parse(line).step] : []));
  expect([exit, steps]).toEqual([0, ["launch", "deliver", "init, update", "reboot", "update", "dispose"]]);
});

test("logs --json prints one line of JSON for each line that a script printed", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": "name: small\nruntime: system\nservices: [base]\nmachines:\n  dev: {on: sandbox}\n",
    "services/base/service.yaml": "description: Base\nupdate: |\n  echo one; printf 'two \"2\"'\n",
  });
  await bootlace(dir, ["up", "dev"]);
  const lines = (await bootlace(dir, ["logs", "dev", "--json"])).out.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { step: "base.update", line: "one" },
    { step: "base.update", line: 'two "2"' },
  ]);
  const console = await bootlace(dir, ["logs", "dev", "--console", "--json"]);
  for (const line of console.out.split("\n").filter(Boolean))
    expect(JSON.parse(line)).toMatchObject({ step: "console" });
  expect((await bootlace(dir, ["logs", "dev", "nothing", "--json"])).err).toContain("E_NO_RUN");
  const unknown = (await bootlace(dir, ["logs", "nope"])).err;
  expect(unknown).toContain("E_MACHINE_UNKNOWN");
  expect(unknown).not.toContain("bootlace up nope");
});

test.each([
  ["build", "base"],
  ["test", "base"],
])("%s as another user than root says so before it gets a runtime", async (...words) => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": "name: small\nservices: [base]\nimages:\n  base: {on: sandbox, services: [base]}\n",
  });
  await chmod(dir, 0o777);
  const { exit, err } = await bootlace(dir, words, {
    uid: 65534,
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" },
  });
  expect([exit, err]).toEqual([6, expect.stringContaining("E_SANDBOX_UNAVAILABLE: A sandbox needs root")]);
});

test("build ends at once on a second signal, and gc finds what it left", async () => {
  // Its machine takes seconds to stop, because the script does not mind TERM.
  const stubborn = "description: Base\ninit: |\n  trap '' TERM\n  echo held\n  while :; do sleep 0.2; done\n";
  const dir = await makeProject({ ...SMALL, "services/base/service.yaml": stubborn });
  const argv = [join(root, "bin", "bootlace.js"), "-C", dir, "build", "base", "--json"];
  const desk = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(desk, "exit");
  for await (const line of createInterface({ input: desk.stdout })) {
    if (line.includes('"held')) desk.kill("SIGINT");
    if (line.includes('"desk-fail"')) desk.kill("SIGTERM");
  }
  expect(await ended).toEqual([143, null]);
  expect((await bootlace(dir, ["gc"])).out).toMatch(/^removed build-base-\S+ \(image base, its desk died/);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
});

test("logs --console -f prints what the console says as it comes, and ends with Ctrl-C", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": "name: small\nruntime: system\nservices: [base]\nmachines:\n  dev: {on: sandbox}\n",
  });
  await bootlace(dir, ["up", "dev"]);
  const argv = [join(root, "bin", "bootlace.js"), "-C", dir, "logs", "dev", "--console", "-f"];
  const desk = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(desk, "exit");
  const spoken = join(dir, ".bootlace", "machines", "dev", "console.log");
  appendFileSync(spoken, "hello\n");
  for await (const line of createInterface({ input: desk.stdout })) {
    if (line === "hello") appendFileSync(spoken, "later\n");
    if (line === "later") desk.kill("SIGINT");
  }
  expect(await ended).toEqual([130, null]);
});
