import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { memoryFolder, pathsUnder } from "../../../stage2/index.ts";
import { desk, eventsOf, startDesk } from "../../support/desk.ts";

/** A project and a root for its state, both gone with the test. Scripts find the folder as `HOME_OF_TEST`. */
function rig(services: Readonly<Record<string, string>>, config = "") {
  const home = mkdtempSync(join(tmpdir(), "bootlace-here-"));
  const root = join(home, "root");
  const memory = memoryFolder(pathsUnder(root));
  onTestFinished(() => {
    for (const folder of [home, ...(memory === undefined ? [] : [memory])])
      rmSync(folder, { recursive: true, force: true });
  });
  const dir = join(home, "project");
  const write = (name: string, yaml: string): void => {
    mkdirSync(join(dir, "services", name), { recursive: true });
    writeFileSync(join(dir, "services", name, "service.yaml"), yaml.replaceAll("HOME_OF_TEST", home));
  };
  mkdirSync(root);
  for (const [name, yaml] of Object.entries(services)) write(name, yaml);
  writeFileSync(join(dir, "bootlace.yaml"), `name: small\nruntime: system\nservices: [web]\n${config}`);
  const words = (command: string, more: readonly string[]): string[] => [
    ...["-C", dir, ...command.split(" "), "--here", "--root", root],
    ...more,
  ];
  return {
    home,
    root,
    write,
    run: (command: string, more: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
      desk(words(command, more), env),
    start: (command: string, more: readonly string[] = []) => startDesk(words(command, more)),
    log: (): readonly string[] =>
      existsSync(join(home, "log")) ? readFileSync(join(home, "log"), "utf8").trim().split("\n") : [],
    current: (): string | undefined =>
      existsSync(join(root, "var/lib/bootlace/current"))
        ? readFileSync(join(root, "var/lib/bootlace/current"), "utf8")
        : undefined,
  };
}

const note = (what: string): string => `echo ${what} >>HOME_OF_TEST/log`;
const SERVICES = {
  base: `init: |\n  ${note("base.init")}\nupdate: |\n  ${note("base.update")}\n`,
  web: `requires: [base]\ninit: |\n  ${note("web.init")}\nupdate: |\n  ${note("web.update")}\n`,
  metrics: `init: |\n  ${note("metrics.init")}\n`,
};
const ALL = ["base.init", "web.init", "base.update", "web.update"];
const steps = (out: string): string[] => JSON.parse(out).steps.map(({ id }: { id: string }) => id);

test("apply --here runs inits once and updates every time, and plan --here and why --here tell so before and after", async () => {
  const { run, log, current, root } = rig(SERVICES);
  expect(steps((await run("plan", ["--json"])).out)).toEqual(ALL);
  expect([log(), existsSync(join(root, "var"))]).toEqual([[], false]);
  const first = await run("apply");
  expect([first.exit, first.err, log()]).toEqual([0, "", ALL]);
  expect(current()).toMatch(/^bundle=[0-9a-f]{64}\nruntime=system\n$/);
  expect(steps((await run("plan", ["--json"])).out)).toEqual(["base.update", "web.update"]);
  expect((await run("apply")).exit).toBe(0);
  expect(log()).toEqual([...ALL, "base.update", "web.update"]);
  const why = await run("why base");
  expect(why.out).toMatch(/^base: web → base\n {2}init done at \S+\n {2}update done at \S+\n {2}next: base\.update/);
});

test("apply --here heeds --rerun, --assume-init, --phase and -s", async () => {
  const { run, log, home } = rig(SERVICES);
  const ran = async (...more: string[]): Promise<readonly string[]> => {
    rmSync(join(home, "log"), { force: true });
    expect(await run("apply", more)).toMatchObject({ exit: 0, err: "" });
    return log();
  };
  expect(await ran("--plan")).toEqual([]);
  expect(await ran("--phase", "init", "--assume-init", "base")).toEqual(["web.init"]);
  expect(await ran("-s", "metrics")).toEqual(["metrics.init"]);
  expect(await ran("-s", "web", "metrics")).toEqual(["base.update", "web.update"]);
  expect(await ran("--rerun", "web.init")).toEqual(["web.init", "base.update", "web.update"]);
});

test("apply --here --jobs 1 runs one script at a time where several could run", async () => {
  const slow = "update: sleep 0.1\n";
  const { run } = rig({ a: slow, b: slow, c: slow, web: "requires: [a, b, c]\n" });
  const order = async (...more: string[]): Promise<string> => {
    const { out } = await run("apply", ["--json", ...more]);
    return eventsOf(out)
      .map(({ k }) => k)
      .filter((k) => k === "start" || k === "done")
      .join();
  };
  expect(await order("--jobs", "1")).toBe("start,done,start,done,start,done");
  expect(await order("--jobs", "3")).toMatch(/^start,start,start/);
});

test("apply --here exits 1 when a script fails, names what that blocks, and goes on with it the next time", async () => {
  const { run, write, log } = rig({ ...SERVICES, base: "init: exit 3\n" });
  const failed = await run("apply");
  expect(failed.exit).toBe(1);
  expect(failed.out).toMatch(/✖ base\.init exit=3/);
  expect(failed.out).toMatch(/⊘ web\.init blocked by base\.init/);
  expect(log()).toEqual([]);
  write("base", SERVICES.base);
  expect((await run("apply")).exit).toBe(0);
  expect(log()).toEqual(ALL);
});

test("apply --here brings an env: secret to its script, and it stands in no file under the root", async () => {
  const secret =
    'init: |\n  cat "$BOOTLACE_CREDENTIALS/token"\n  sha256sum <"$BOOTLACE_CREDENTIALS/token" >HOME_OF_TEST/sum\n';
  const services = { ...SERVICES, web: `secrets: {token: {phases: [init]}}\n${secret}` };
  const { run, home, root } = rig(services, 'secrets: {web.token: "env:BOOTLACE_TEST_HERE"}\n');
  const token = "tOp-s3cret/of the test";
  const { exit, out, err } = await run("apply", [], { BOOTLACE_TEST_HERE: token });
  expect([exit, err]).toEqual([0, ""]);
  const sum = execFileSync("sha256sum", { input: token }).toString();
  expect(readFileSync(join(home, "sum"), "utf8")).toBe(sum);
  expect(out).toContain("web.init | [redacted]");
  expect(out).not.toContain("s3cret");
  // grep answers 1 where nothing is found.
  expect(() => execFileSync("grep", ["-rlaF", "s3cret", root], { stdio: "pipe" })).toThrow(
    expect.objectContaining({ status: 1 }),
  );
});

test("apply --here asks only for the secrets of services that are asked for", async () => {
  const services = { ...SERVICES, metrics: `secrets: {key: {phases: [init]}}\n${SERVICES.metrics}` };
  const { run, log } = rig(services, 'secrets: {metrics.key: "env:BOOTLACE_TEST_UNSET"}\n');
  expect(await run("apply")).toMatchObject({ exit: 0, err: "" });
  expect(log()).toEqual(ALL);
  const refused = await run("apply", ["-s", "metrics"]);
  expect([refused.exit, refused.err]).toEqual([2, expect.stringContaining("E_SECRET_SOURCE")]);
  expect(log()).toEqual(ALL);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s to the desk ends the scripts of apply --here, which exits %i", async (signal, exit) => {
  const { start, run, home } = rig({
    web: "update: |\n  echo $$ >HOME_OF_TEST/pid\n  echo held\n  exec sleep 1000\n",
  });
  const { child, line, ended } = start("apply", ["--json"]);
  await line('"held');
  child.kill(signal);
  expect((await ended).exit).toBe(exit);
  expect(existsSync(`/proc/${readFileSync(join(home, "pid"), "utf8").trim()}`)).toBe(false);
  expect((await run("why web")).out).toContain("next: web.update");
});

test("a second apply --here while one runs exits 3 and does not touch what the machine records as current", async () => {
  const { start, run, write, home, current } = rig(SERVICES);
  await run("apply");
  const first = current();
  execFileSync("mkfifo", [join(home, "gate")]);
  write("web", "update: |\n  echo held\n  cat HOME_OF_TEST/gate\n");
  const { line, ended } = start("apply", ["--json"]);
  await line('"held');
  write("web", "update: echo newer\n");
  const second = await run("apply");
  expect([second.exit, second.err]).toEqual([3, expect.stringContaining("E_LOCKED")]);
  expect(current()).toBe(first);
  writeFileSync(join(home, "gate"), "go\n");
  expect((await ended).exit).toBe(0);
  expect(current()).not.toBe(first);
});

test("apply without --here is refused with exit 2, before anything is written", async () => {
  const { run, root } = rig(SERVICES);
  const dir = join(root, "../project");
  const { exit, err } = await desk(["-C", dir, "apply", "--root", root]);
  expect([exit, err]).toEqual([2, expect.stringContaining("Expected --here")]);
  expect(existsSync(join(root, "var"))).toBe(false);
  expect((await run("plan")).exit).toBe(0);
});

test("apply and plan --here take +NAME beside what the machine has by itself", async () => {
  const { run } = rig(SERVICES);
  const all = ["base.init", "metrics.init", "web.init", "base.update", "web.update"];
  expect(steps((await run("plan", ["--json", "-s", "+metrics"])).out)).toEqual(all);
  expect((await run("apply", ["-s", "+metrics"])).exit).toBe(0);
});

test("apply --here brings the project's key to a machine that lost it or never had it", async () => {
  const { run, root, home } = rig(SERVICES);
  const keys = { BOOTLACE_KEYS: join(home, "keys") };
  const made = await desk(["-C", join(home, "project"), "key", "new", "--json"], keys);
  const { id } = JSON.parse(made.out);
  expect((await run("apply", [], keys)).exit).toBe(0);
  const [there, ours] = [join(root, "etc/bootlace/trust"), join(home, "project/trust")].map((folder) =>
    readFileSync(join(folder, `${id}.pem`), "utf8"),
  );
  expect(there).toBe(ours);
});
