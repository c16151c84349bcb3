import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { MachineRig, ServiceSketch } from "../support/machine-rig.ts";
import { until } from "../support/until.ts";
import { useRigs } from "../support/use-rigs.ts";

const machine = useRigs();
/** What the sandbox or a VM's host would say of this machine. */
function seed(rig: MachineRig, values: Record<string, string>): void {
  const folder = join(rig.root, "run/bootlace");
  mkdirSync(folder, { recursive: true });
  const lines = Object.entries({ provider: "sandbox", machine: "m1", boot: "b1", purpose: "run", ...values });
  writeFileSync(join(folder, "seed"), lines.map(([key, value]) => `${key}=${value}\n`).join(""));
}
const both = { init: 'echo x >>"$WORLD/$BOOTLACE_SERVICE.init"', update: 'echo x >>"$WORLD/$BOOTLACE_SERVICE.update"' };

describe("boot", () => {
  test("that ended no run is told by status, which shows the run of the boot before", async () => {
    const rig = machine(["web"], { web: { scripts: both } });
    seed(rig, {});
    await rig.run(["boot"]);
    expect(rig.say("status")).not.toContain("this boot has ended no run yet");
    seed(rig, { boot: "b2" });
    expect(rig.say("status")).toContain("this boot has ended no run yet");
    expect(JSON.parse(rig.say("status", "--json")).lastRun).toMatchObject({ outcome: "done", thisBoot: false });
  });

  test("goes on with an open run under its id, then runs its own updates, even where what was asked for fails", async () => {
    const rig = machine(["web"], {
      web: { scripts: both },
      metrics: { scripts: { init: '[ -e "$WORLD/asked" ] && exit 1; touch "$WORLD/asked"; exit 194' } },
    });
    seed(rig, {});
    await rig.run(["run"]);
    await rig.run(["run", "--run", "r1", "-s", "metrics", "--no-reboot"]);
    seed(rig, { boot: "b2" });
    const boot = await rig.run(["boot"]);
    expect(boot.events.flatMap((event) => (event.k === "open" ? [[event.run === "r1", event.resumed]] : []))).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(boot.started).toEqual(["metrics.init", "web.update"]);
    expect(boot.code).toBe(1);
  });

  test("keeps a run open that asks for a second reboot, and gives up after the fifth in a row", async () => {
    const rig = machine(["web"], { web: { scripts: { update: 'echo x >>"$WORLD/boots"; exit 194' } } });
    const runs = new Set<string>();
    for (let boot = 1; boot <= 6; boot++) {
      seed(rig, { boot: `b${boot}` });
      const run = await rig.run(["boot"]);
      for (const event of run.events) if (event.k === "open") runs.add(event.run);
      if (boot < 6) expect(run.events.some((event) => event.k === "reboot")).toBe(true);
      else expect(run.close.failed).toEqual(["web.update"]);
    }
    expect(runs.size).toBe(1);
    expect(rig.read("boots")).toBe("x\n".repeat(6));
  });

  test("takes up what was to run again after a reboot", async () => {
    const ask = '[ -e "$WORLD/again" ] || exit 0; [ -e "$WORLD/up" ] || { touch "$WORLD/up"; exit 194; }';
    const rig = machine(["b"], {
      a: { scripts: { init: ask } },
      b: { requires: ["a"], scripts: { init: 'echo x >>"$WORLD/b"' } },
    });
    seed(rig, {});
    await rig.run();
    writeFileSync(join(rig.world, "again"), "");
    await rig.run(["run", "--rerun", "a.init", "--rerun", "b.init", "--no-reboot"]);
    seed(rig, { boot: "b2" });
    expect((await rig.run(["boot"])).started).toEqual(["a.init", "b.init"]);
  });

  test("does nothing on a machine that builds an image, but to go on with its recorded run", async () => {
    const rig = machine(["web"], {
      web: { scripts: { ...both, init: '[ -e "$WORLD/up" ] || { touch "$WORLD/up"; exit 194; }' } },
    });
    seed(rig, { purpose: "build" });
    expect((await rig.run(["boot"])).started).toEqual([]);
    await rig.run(["run", "--run", "r1", "--phase", "init", "--no-reboot"]);
    seed(rig, { purpose: "build", boot: "b2" });
    const boot = await rig.run(["boot"]);
    expect(boot.started).toEqual(["web.init"]);
    expect(rig.read("web.update")).toBe("");
  });

  test("waits for what a desk sends again before it goes on with the desk's run, and for nothing that is not needed any more", async () => {
    const token = (phase: "init" | "update") => ({ secrets: { token: { phases: [phase] } } });
    const rig = machine(["web"], {
      done: { ...token("init"), scripts: { init: "true" } },
      web: {
        ...token("init"),
        requires: ["done"],
        scripts: {
          init: '[ -e "$WORLD/up" ] || { touch "$WORLD/up"; exit 194; }; cat "$BOOTLACE_CREDENTIALS/token" >"$WORLD/got"',
        },
      },
    });
    const { memoryFolder, pathsUnder } = await import("../../stage2/index.ts");
    const secrets = join(memoryFolder(pathsUnder(rig.root))!, "secrets");
    const send = (name: string): void => {
      mkdirSync(join(secrets, name), { recursive: true });
      writeFileSync(join(secrets, name, "token"), "hunter22-production");
    };
    seed(rig, {});
    send("done");
    send("web");
    await rig.run(["run", "--run", "r1", "--no-reboot"]);
    seed(rig, { boot: "b2" });
    rmSync(secrets, { recursive: true });
    const boot = rig.start(["boot"]);
    // It holds the lock before it waits; meanwhile another machine has run from beginning to end.
    await until(() => readFileSync(join(rig.root, "var/lib/bootlace/lock"), "utf8").startsWith(`${boot.child.pid} `));
    expect((await machine(["web"], { web: { scripts: both } }).run()).code).toBe(0);
    expect(boot.started).toEqual([]);
    send("web");
    expect([await boot.exit, boot.started]).toEqual([0, ["web.init"]]);
    expect(rig.read("got")).toBe("hunter22-production");
    rmSync(secrets, { recursive: true, force: true });
  });

  test("takes an open run of another machine for foreign: its init is new, not interrupted, and its id is not used", async () => {
    const rig = machine(["web"], {
      web: {
        scripts: {
          init: 'echo $BOOTLACE_REASON >>"$WORLD/why"; [ -e "$WORLD/up" ] || { touch "$WORLD/up"; exit 194; }',
          update: "true",
        },
      },
    });
    seed(rig, { machine: "builder" });
    await rig.run(["run", "--run", "r1", "--no-reboot"]);
    seed(rig, { machine: "other", boot: "b9" });
    const boot = await rig.run(["boot"]);
    expect(boot.events.find((event) => event.k === "open")).toMatchObject({ resumed: false });
    expect(rig.read("why")).toBe("new\nnew\n");
  });

  test("never ends a process of another boot that has the number of an old script", async () => {
    const rig = machine(["web"], {});
    rig.write(["web"], { web: { scripts: { init: `echo $$ >>"$WORLD/pids"; ${rig.hold("gate")}` } } });
    seed(rig, { boot: "b1" });
    const first = rig.start();
    await first.step("web.init");
    await until(() => rig.read("pids") !== "");
    first.child.kill("SIGKILL");
    await first.exit;
    seed(rig, { boot: "b2" });
    const second = rig.start();
    await second.step("web.init");
    expect(second.events.some((event) => event.k === "notice" && event.code === "W_SURVIVOR")).toBe(false);
    const [old] = rig.read("pids").split("\n");
    process.kill(Number(old), "SIGKILL");
    // Dead before the gate opens: it must not take the other one's release into its grave.
    await until(() => !existsSync(`/proc/${old}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${old}/status`, "utf8")));
    await rig.release("gate");
    expect(await second.exit).toBe(0);
  });

  test("counts a machine's first whole update by all that a boot takes, not by a service that was asked for", async () => {
    const rig = machine(["web"], {
      web: { scripts: { update: 'echo $BOOTLACE_BOOT >>"$WORLD/web"' } },
      m: { scripts: { update: "true" } },
    });
    await rig.run(["run", "-s", "m"]);
    await rig.run(["boot"]);
    await rig.run(["boot"]);
    expect(rig.read("web")).toBe("first\nagain\n");
  });

  test("writes one line for each change of state to the console that it is given", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "true", update: "exit 1" } } });
    const console = join(rig.world, "console");
    writeFileSync(console, "");
    await rig.run(["boot"], { BOOTLACE_CONSOLE: console });
    expect(readFileSync(console, "utf8")).toMatch(
      /^bootlace\[run\]: run \S+ open steps=2\nbootlace\[run\]: web\.init started try=1 why=new\nbootlace\[run\]: web\.init done ms=\d+\nbootlace\[run\]: web\.update started try=1 why=new\nbootlace\[run\]: web\.update failed exit=1 ms=\d+\nbootlace\[run\]: run \S+ failed exit=1 ms=\d+\n$/,
    );
  });
});

describe("a run", () => {
  test("refuses to run again, or to take as done, what no service has; and to seal what is in use", async () => {
    const rig = machine(["web"], { web: { scripts: both } });
    const typo = await rig.run(["run", "--rerun", "wbe.init", "--assume-init", "nope"]);
    expect([typo.code, typo.stderr]).toEqual([2, expect.stringMatching(/E_UNKNOWN_STEP.*"wbe.init".*"nope"/)]);
    const seal = await rig.run(["run", "--phase", "seal"]);
    expect([seal.code, seal.stderr]).toEqual([2, expect.stringMatching(/E_SEAL/)]);
    expect(rig.read("web.init")).toBe("");
  });

  test("takes the state of a renamed service along, also back again, without a second init", async () => {
    const scripts = {
      init: 'echo x >>"$WORLD/init"; echo kept >"$BOOTLACE_STATE/mine"',
      update: 'cat "$BOOTLACE_STATE/mine" >>"$WORLD/seen"',
    };
    const rig = machine(["web"], { web: { scripts } });
    await rig.run();
    rig.write(["site"], { site: { renamedFrom: ["web"], scripts } });
    await rig.run();
    rig.write(["web"], { web: { scripts } });
    await rig.run();
    expect([rig.read("init"), rig.read("seen")]).toEqual(["x\n", "kept\nkept\nkept\n"]);
  });

  test("is degraded, not failed, where a service that may fail fails in its init", async () => {
    const rig = machine(["web"], {
      web: { requires: ["stats"], scripts: both },
      stats: { onFailure: "ignore", scripts: { init: "false", update: "true" } },
    });
    const run = await rig.run();
    expect(run.code).toBe(0);
    expect(run.close).toMatchObject({ outcome: "degraded", ignored: ["stats.init", "stats.update"], blocked: [] });
    expect(run.started).toEqual(["stats.init", "web.init", "web.update"]);
  });

  test("runs transactions that wait for each other's services in an order that can be", async () => {
    const wants = (name: string, ...after: string[]): ServiceSketch => ({
      packages: { apt: [name], dnf: [], apk: [] },
      packagesAfter: after,
      scripts: { init: "true" },
    });
    const rig = machine(["a", "x", "z"], {
      z: { scripts: { init: "true" } },
      x: wants("dpkg", "z"),
      a: wants("bash", "x"),
    });
    const run = await rig.run();
    expect(run.started).toEqual(["z.init", "packages.apt.1", "x.init", "packages.apt.2", "a.init"]);
  });

  test("refuses a journal whose beginning is lost, or that is gone, and repair begins anew when told", async () => {
    const rig = machine(["web"], { web: { scripts: both } });
    await rig.run();
    const text = readFileSync(rig.journal, "utf8").replace(/\0+$/, "");
    writeFileSync(rig.journal, text.split("\n").slice(3).join("\n"));
    expect((await rig.run()).code).toBe(7);
    truncateSync(rig.journal);
    expect((await rig.run()).code).toBe(7);
    renameSync(rig.journal, `${rig.journal}.away`);
    const gone = await rig.run();
    expect([gone.code, gone.stderr]).toEqual([7, expect.stringMatching(/is missing or empty.*\n.*journal repair/)]);
    expect(rig.read("web.init")).toBe("x\n");
    rig.say("journal", "repair", "--yes");
    expect((await rig.run()).started).toEqual(["web.init", "web.update"]);
  });

  test("keeps an emptied checkpoint apart from a lost journal", async () => {
    const rig = machine(["web"], { web: { scripts: { update: "true" } } });
    await rig.run();
    rig.say("checkpoint");
    expect((await rig.run()).code).toBe(0);
  });

  test("keeps the damaged journal when it is repaired, and says the truth of what stays done", async () => {
    const rig = machine(["web"], { web: { scripts: both } });
    await rig.run();
    await rig.run(["run", "--rerun", "web.init"]);
    const lines = readFileSync(rig.journal, "utf8").replace(/\0+$/, "").split("\n");
    const rerun = lines.findLastIndex((line) => line.includes('"k":"done"') && line.includes('"phase":"init"'));
    lines[rerun] = lines[rerun]!.replace('"svc":"web"', '"svc":"wex"');
    const damaged = lines.join("\n");
    writeFileSync(rig.journal, damaged);
    const said = rig.say("journal", "repair", "--yes");
    expect(said).toMatch(/stay done: none[\s\S]*run again: web/);
    expect(readFileSync(/kept as (\S+)/.exec(said)![1]!, "utf8")).toBe(damaged);
    expect((await rig.run()).started).toEqual(["web.init", "web.update"]);
  });

  test("removes what a killed run left of secrets before it begins", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "true" } } });
    await rig.run();
    const { memoryFolder, pathsUnder } = await import("../../stage2/index.ts");
    const left = join(memoryFolder(pathsUnder(rig.root))!, "cred/old/web");
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, "password"), "x");
    await rig.run();
    expect(() => readFileSync(join(left, "password"))).toThrow(/ENOENT/);
    rmSync(left, { recursive: true, force: true });
  });
});
