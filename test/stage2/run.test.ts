import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryFolder, pathsUnder, readState } from "../../stage2/index.ts";
import type { ServiceSketch } from "../support/machine-rig.ts";
import { until } from "../support/until.ts";
import { useRigs } from "../support/use-rigs.ts";

const machine = useRigs();
const both = {
  init: 'echo x >>"$WORLD/$BOOTLACE_SERVICE.init"',
  update: 'echo "$BOOTLACE_BOOT $BOOTLACE_REASON" >>"$WORLD/$BOOTLACE_SERVICE.update"',
};

describe("run", () => {
  test("runs init once and update every time, and tells the first boot of a machine from later ones", async () => {
    const rig = machine(["web"], { web: { requires: ["base"], scripts: both }, base: { scripts: both } });
    expect((await rig.run()).started).toEqual(["base.init", "web.init", "base.update", "web.update"]);
    expect((await rig.run()).started).toEqual(["base.update", "web.update"]);
    expect(rig.read("web.init")).toBe("x\n");
    expect(rig.read("web.update")).toBe("first new\nagain asked\n");
  });

  test("keeps BOOTLACE_BOOT=first until a whole update has ended well", async () => {
    const rig = machine(["web"], {
      web: { scripts: { update: 'echo "$BOOTLACE_BOOT" >>"$WORLD/boot"; [ -e "$WORLD/good" ]' } },
    });
    expect((await rig.run()).code).toBe(1);
    expect((await rig.run()).code).toBe(1);
    writeFileSync(join(rig.world, "good"), "");
    expect((await rig.run()).code).toBe(0);
    await rig.run();
    expect(rig.read("boot")).toBe("first\nfirst\nfirst\nagain\n");
  });

  test("brings the missing dependencies' init of a service that is asked for later, before everybody's update", async () => {
    const services = {
      web: { scripts: both },
      metrics: { requires: ["agent"], scripts: both },
      agent: { scripts: both },
    };
    const rig = machine(["web"], services);
    await rig.run();
    expect((await rig.run(["run", "-s", "web", "-s", "metrics"])).started).toEqual([
      "agent.init",
      "metrics.init",
      "agent.update",
      "web.update",
      "metrics.update",
    ]);
  });

  test("tells scripts what the machine is for", async () => {
    const rig = machine(["web"], { web: { scripts: { update: 'echo "$BOOTLACE_PURPOSE" >"$WORLD/purpose"' } } });
    await rig.run(["run", "--purpose", "smoke"]);
    expect(rig.read("purpose")).toBe("smoke\n");
  });

  test("with --own updates what it names of the services that the machine has anyway, and brings none along", async () => {
    const scripts = { update: "true" };
    const rig = machine(["web"], { base: { scripts }, web: { requires: ["base"], scripts }, metrics: { scripts } });
    const run = await rig.run(["run", "--own", "-s", "base", "-s", "metrics", "-s", "nope"]);
    expect([run.code, run.started]).toEqual([0, ["base.update"]]);
    const none = await rig.run(["run", "--own", "-s", "metrics"]);
    expect([none.code, none.started]).toEqual([0, []]);
  });

  test("runs independent inits at the same time, and no update before the last init", async () => {
    const rig = machine(["a", "b"], {});
    rig.write(["a", "b"], {
      a: { scripts: { init: rig.hold("a"), update: "true" } },
      b: { scripts: { init: rig.hold("b"), update: "true" } },
    });
    const running = rig.start();
    await Promise.all([running.step("a.init"), running.step("b.init")]);
    await rig.release("a");
    await running.step("a.init", "done");
    expect(running.started).toEqual(["a.init", "b.init"]);
    await rig.release("b");
    expect(await running.exit).toBe(0);
    expect(running.started.slice(2).sort()).toEqual(["a.update", "b.update"]);
  });

  test("bounds how many run at once, and never overlaps scripts that share a lock", async () => {
    const count = 'mkdir "$WORLD/in" || echo overlap >>"$WORLD/overlap"; rmdir "$WORLD/in"';
    const locked = Object.fromEntries(
      ["a", "b", "c", "d"].map((name) => [name, { locks: ["db"], scripts: { init: count } }]),
    );
    const rig = machine(Object.keys(locked), locked);
    expect((await rig.run(["run", "--jobs", "4"])).code).toBe(0);
    const free = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, { scripts: { init: count } }]));
    const narrow = machine(Object.keys(free), free);
    await narrow.run(["run", "--jobs", "1"]);
    expect([rig.read("overlap"), narrow.read("overlap")]).toEqual(["", ""]);
  });

  test("blocks the dependents of a failure and never the rest, exits 1 and tries again next time", async () => {
    const rig = machine(["site", "lone"], {
      site: { requires: ["db"], scripts: both },
      db: { scripts: { init: 'echo no >&2; [ -e "$WORLD/fixed" ]', update: "true" } },
      lone: { scripts: both },
    });
    const first = await rig.run();
    expect(first.code).toBe(1);
    expect(first.close).toMatchObject({
      outcome: "failed",
      failed: ["db.init"],
      blocked: ["site.init", "db.update", "site.update"],
    });
    expect(first.started).toContain("lone.update");
    const fail = first.events.find((event) => event.k === "fail");
    expect(fail).toMatchObject({ reason: "exit=1", tail: "no\n" });
    writeFileSync(join(rig.world, "fixed"), "");
    const second = await rig.run();
    expect(second.code).toBe(0);
    expect(second.started).toEqual(
      ["db.init", "site.init", "db.update", "lone.update", "site.update"].filter((id) => id !== "lone.init"),
    );
    expect(second.events.find((event) => event.k === "start" && event.step === "db.init")).toMatchObject({
      why: "failed-before",
    });
  });

  test("reports and journals a step as blocked also where the last that it waited for ended well", async () => {
    const rig = machine(["site"], {});
    rig.write(["site"], {
      site: { requires: ["db", "web"], scripts: { update: "true" } },
      db: { scripts: { init: "exit 3" } },
      web: { scripts: { init: rig.hold("web") } },
    });
    const running = rig.start();
    await running.step("db.init", "fail");
    await rig.release("web");
    expect(await running.exit).toBe(1);
    expect(running.close).toMatchObject({ failed: ["db.init"], blocked: ["site.update"] });
    expect(running.events.find((event) => event.k === "blocked")).toMatchObject({ step: "site.update", by: "db.init" });
    expect(rig.say("status")).toMatch(/site\s+init -, update blocked .*db\.init/);
  });

  test("goes on past a failure that is ignored: dependents run, exit 0, degraded; --strict makes it 8", async () => {
    const rig = machine(["web"], {
      web: { requires: ["stats"], scripts: { update: both.update } },
      stats: { onFailure: "ignore", scripts: { update: "false" } },
    });
    const run = await rig.run();
    expect(run.code).toBe(0);
    expect(run.close).toMatchObject({ outcome: "degraded", ignored: ["stats.update"], blocked: [] });
    expect(run.started).toContain("web.update");
    expect((await rig.run(["run", "--strict"])).code).toBe(8);
  });

  test("hands outputs of inits on for good and of updates for one run, with the service's prefix", async () => {
    const rig = machine(["web"], {
      web: {
        requires: ["app-user", "bootlace/apache"],
        scripts: { update: 'echo "$APP_USER_UID $APACHE_PORT" >>"$WORLD/seen"' },
      },
      "app-user": { scripts: { init: "echo UID=77 >$BOOTLACE_OUTPUT" } },
      "bootlace/apache": { scripts: { update: "echo PORT=8080 >$BOOTLACE_OUTPUT" } },
    });
    await rig.run();
    await rig.run();
    expect(rig.read("seen")).toBe("77 8080\n77 8080\n");
  });

  test("fails a phase whose outputs are not KEY=value or would take a reserved name", async () => {
    const rig = machine(["a", "ld"], {
      a: { scripts: { init: "echo lower=1 >$BOOTLACE_OUTPUT" } },
      ld: { scripts: { init: "echo PRELOAD=/x >$BOOTLACE_OUTPUT" } },
    });
    const run = await rig.run();
    expect([...run.close.failed].sort()).toEqual(["a.init", "ld.init"]);
    expect(run.events.flatMap((event) => (event.k === "fail" ? [event.message] : [])).join()).toMatch(
      /not KEY=value.*LD_PRELOAD, which is reserved|LD_PRELOAD, which is reserved.*not KEY=value/s,
    );
  });

  test("gives scripts a clean environment: parameters, facts and nothing of the runner's own", async () => {
    const rig = machine(["web"], {
      web: {
        params: { dbHost: 'it\'s "x" $HOME', many: ["a", "b"], on: true },
        scripts: { init: 'env >"$WORLD/env"; pwd >"$WORLD/pwd"; id -un >"$WORLD/id"' },
      },
    });
    await rig.run(["run"], { LEAKED: "yes", BOOTLACE_LEAKED: "yes" });
    const env = Object.fromEntries(
      rig
        .read("env")
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    expect(env).toMatchObject({
      DB_HOST: 'it\'s "x" $HOME',
      MANY: "a b",
      ON: "true",
      BOOTLACE_PHASE: "init",
      BOOTLACE_SERVICE: "web",
      BOOTLACE_REASON: "new",
      HOME: "/root",
    });
    expect(Object.keys(env).filter((name) => /LEAK|OLDPWD|npm_|VITEST/.test(name))).toEqual([]);
    expect(rig.read("pwd").trim()).toBe(join(rig.bundle, "services/web"));
    expect(existsSync(env.BOOTLACE_STATE!)).toBe(true);
  });

  test("runs a phase as its user, with that user's groups and HOME, and a state folder of its own", async () => {
    execFileSync("sh", [
      "-c",
      "id bl-test 2>/dev/null || { groupadd bl-extra; useradd --create-home --groups bl-extra bl-test; }",
    ]);
    try {
      const rig = machine(["web"], {
        web: {
          scripts: {
            init: {
              user: "bl-test",
              text: 'id -un >"$WORLD/id"; id -Gn >>"$WORLD/id"; echo $HOME >>"$WORLD/id"; echo ok >"$BOOTLACE_STATE/mine"; echo KEY=1 >"$BOOTLACE_OUTPUT"',
            },
          },
        },
      });
      const run = await rig.run();
      expect(run.code).toBe(0);
      expect(rig.read("id")).toBe("bl-test\nbl-test bl-extra\n/home/bl-test\n");
    } finally {
      execFileSync("sh", ["-c", "userdel -r bl-test 2>/dev/null; groupdel bl-extra 2>/dev/null; true"]);
    }
  });

  test("fails a phase whose user is not there, and says which", async () => {
    const rig = machine(["web"], { web: { scripts: { init: { user: "nobody-knows", text: "true" } } } });
    const run = await rig.run();
    expect(run.events.find((event) => event.k === "fail")).toMatchObject({
      message: 'there is no user "nobody-knows" to run it as',
    });
  });

  test("tries again as often as the service says, with a pause that doubles", async () => {
    const rig = machine(["web"], {
      web: {
        scripts: { init: { attempts: 3, text: 'echo t >>"$WORLD/tries"; [ "$(wc -l <"$WORLD/tries")" -ge 3 ]' } },
      },
    });
    const run = await rig.run();
    expect(run.code).toBe(0);
    expect(run.events.flatMap((event) => (event.k === "retry" ? [event.waitMs] : []))).toEqual([1, 2]);
  });

  test("makes a service's dependents wait until it is ready, and fails it when it does not become so", async () => {
    const rig = machine(["web"], {});
    const services: Record<string, ServiceSketch> = {
      web: { requires: ["db"], scripts: { update: "true" } },
      db: {
        scripts: { update: "true" },
        ready: { kind: "log", file: join(rig.world, "db.log"), pattern: "^ready", within: 60_000 },
      },
    };
    rig.write(["web"], services);
    const running = rig.start();
    await running.waitFor((event) => event.k === "waiting-ready");
    expect(running.started).toEqual(["db.update"]);
    writeFileSync(join(rig.world, "db.log"), "starting\nready\n");
    expect(await running.exit).toBe(0);
    rig.write(["web"], {
      ...services,
      db: { ...services.db, ready: { kind: "tcp", host: "127.0.0.1", port: 1, within: 1 } },
    });
    const failed = await rig.run();
    expect(failed.close).toMatchObject({ failed: ["db.update"], blocked: ["web.update"] });
    expect(failed.events.find((event) => event.k === "fail")).toMatchObject({ reason: "ready=0.001s" });
  });

  test("hands secrets over as files on tmpfs in the phases named, removes them after, and masks them in log and events", async () => {
    const rig = machine(["web"], {
      web: {
        secrets: { dbPassword: { phases: ["update"] } },
        scripts: {
          init: 'echo "${BOOTLACE_CREDENTIALS:-none}" >"$WORLD/init"',
          update:
            'f=$BOOTLACE_CREDENTIALS/dbPassword; echo $f >"$WORLD/path"; stat -c %a "$f" >>"$WORLD/path"; cat "$f"; echo; base64 <"$f"; echo to stderr >/dev/stderr; env | grep -c s3cr3t || true',
        },
      },
    });
    const folder = join(memoryFolder(pathsUnder(rig.root))!, "secrets/web");
    execFileSync("sh", ["-c", `mkdir -p ${folder} && printf s3cr3t-value >${folder}/dbPassword`]);
    try {
      const run = await rig.run();
      expect(run.stderr).toBe("");
      expect(run.code).toBe(0);
      expect(rig.read("init")).toBe("none\n");
      const [path, mode] = rig.read("path").split("\n");
      expect(mode).toBe("400");
      expect(existsSync(path!)).toBe(false);
      expect(run.output("web.update")).toBe("[redacted]\n[redacted]=\nto stderr\n0\n".replace("]=", "]"));
      const everything = execFileSync("grep", ["-rlE", "s3cr3t|czNjcjN0", rig.root], { encoding: "utf8" }).trim();
      expect(everything).toBe("");
    } catch (error) {
      // grep exits 1 when nothing is found: that is what we want.
      if ((error as { status?: number }).status !== 1) throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("fails a phase whose secret is not on the machine, and does not run it", async () => {
    const rig = machine(["web"], {
      web: { secrets: { token: { phases: ["init"] } }, scripts: { init: 'touch "$WORLD/ran"' } },
    });
    const run = await rig.run();
    expect(run.events.find((event) => event.k === "fail")).toMatchObject({
      message: "its secret token is not on this machine",
    });
    expect(existsSync(join(rig.world, "ran"))).toBe(false);
  });

  test("lets one run at a time: a second one exits 3 naming the holder, or waits with --wait", async () => {
    const rig = machine(["web"], {});
    rig.write(["web"], { web: { scripts: { init: rig.hold("gate"), update: "true" } } });
    const first = rig.start(["run", "--run", "holder-1"]);
    await first.step("web.init");
    const second = await rig.run();
    expect(second.code).toBe(3);
    expect(second.stderr).toMatch(/E_LOCKED: Run holder-1 \(process \d+\) holds the lock/);
    const third = rig.start(["run", "--wait"]);
    await rig.release("gate");
    expect([await first.exit, await third.exit]).toEqual([0, 0]);
    expect(third.started).toEqual(["web.update"]);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "ends its scripts on %s, journals it, exits %i, and calls them interrupted next time",
    async (signal, code) => {
      const rig = machine(["web"], {});
      rig.write(["web"], {
        web: {
          scripts: { init: `trap 'echo got >>"$WORLD/term"; exit 1' TERM; echo $$ >"$WORLD/pid"; ${rig.hold("gate")}` },
        },
      });
      const running = rig.start();
      await running.step("web.init");
      await until(() => rig.read("pid") !== "");
      running.child.kill(signal);
      expect(await running.exit).toBe(code);
      expect(rig.read("term")).toBe("got\n");
      expect(running.close).toMatchObject({ outcome: "interrupted", exit: code });
      expect(JSON.parse(rig.say("plan", "--json")).steps[0]).toMatchObject({ id: "web.init", why: "interrupted" });
    },
  );

  test("ends a script that outlived a killed runner before it runs anything itself", async () => {
    const rig = machine(["web"], {});
    rig.write(["web"], { web: { scripts: { init: `echo $$ >>"$WORLD/pids"; ${rig.hold("gate")}` } } });
    const first = rig.start();
    await first.step("web.init");
    await until(() => rig.read("pids") !== "");
    first.child.kill("SIGKILL");
    await first.exit;
    const [survivor] = rig.read("pids").trim().split("\n");
    expect(existsSync(`/proc/${survivor}`)).toBe(true);
    const second = rig.start();
    await second.step("web.init");
    expect(existsSync(`/proc/${survivor}/cmdline`) && readFileSync(`/proc/${survivor}/cmdline`, "utf8")).toBeFalsy();
    expect(second.events.some((event) => event.k === "notice" && event.code === "W_SURVIVOR")).toBe(true);
    await rig.release("gate");
    expect(await second.exit).toBe(0);
  });

  test("goes on after a reboot that a script asked for by exit 194: same run, same files, the script again", async () => {
    const rig = machine(["web"], {
      web: { scripts: { init: '[ -e "$WORLD/rebooted" ] || { touch "$WORLD/rebooted"; exit 194; }', update: "true" } },
    });
    const first = await rig.run(["run", "--run", "r1", "--no-reboot"]);
    expect(first.code).toBe(6);
    expect(first.stderr).toMatch(/E_REBOOT/);
    const second = await rig.run(["run", "--run", "r1"]);
    expect(second.code).toBe(0);
    expect(second.events.find((event) => event.k === "open")).toMatchObject({ run: "r1", resumed: true });
    expect(second.started).toEqual(["web.init", "web.update"]);
    expect(readdirSync(join(rig.root, "var/lib/bootlace/runs"))).toEqual(["r1"]);
  });

  test("takes a thousand roots: a line of the journal has a limit, a run has none", async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `a-service-with-a-rather-long-name-${i}`);
    const rig = machine(names, Object.fromEntries(names.map((name) => [name, {}])));
    rig.write(names, {
      ...Object.fromEntries(names.map((name) => [name, {}])),
      last: { scripts: { init: "exit 194" } },
    });
    expect((await rig.run(["run", "-s", "last", ...names.flatMap((name) => ["-s", name]), "--no-reboot"])).code).toBe(
      6,
    );
    const { openRun } = readState(rig.journal);
    expect(openRun?.spec.roots).toEqual(["last", ...names]);
  });

  test("keeps modes: folders open to read, journal and runs for root alone", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "echo out" } } });
    await rig.run();
    const mode = (path: string): string =>
      (statSync(join(rig.root, "var/lib/bootlace", path)).mode & 0o777).toString(8);
    expect([mode("."), mode("journal"), mode("runs"), mode("lock")]).toEqual(["755", "600", "700", "600"]);
  });

  test("runs .mjs phases on the runtime", async () => {
    const rig = machine(["web"], {
      web: {
        scripts: {
          init: {
            with: "node",
            file: ".bootlace/init.mjs",
            text: "#!/usr/bin/env node\nimport { writeFileSync } from 'node:fs'; writeFileSync(process.env.WORLD + '/node', process.version);",
          },
        },
      },
    });
    expect((await rig.run()).code).toBe(0);
    expect(rig.read("node")).toBe(process.version);
  });

  test("checkpoint leaves a journal that names no machine, and refuses while a run is open", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "true" } } });
    await rig.run();
    rig.say("checkpoint");
    const text = readFileSync(rig.journal, "utf8");
    expect(text).toMatch(/"k":"checkpoint"/);
    expect(text).not.toMatch(/"boot"|"mach"/);
    expect(existsSync(join(rig.root, "var/lib/bootlace/runs"))).toBe(false);
    expect((await rig.run()).started).toEqual([]);
    rig.write(["web"], { web: { scripts: { init: "exit 194" } } });
    await rig.run(["run", "--rerun", "web.init", "--no-reboot"]);
    expect(() => rig.say("checkpoint")).toThrow(/E_RUN_OPEN/);
  });

  test("do runs an action with its arguments, and lists actions without a name", async () => {
    const rig = machine(["web"], {
      web: { scripts: { init: { file: "reload.sh", text: 'echo "reloaded $WHAT $BOOTLACE_PHASE"' } } },
    });
    const project = JSON.parse(readFileSync(join(rig.bundle, "project.json"), "utf8"));
    project.services[0].actions = {
      reload: { file: "reload.sh", with: "exec", attempts: 1, backoff: 1, digest: "", description: "Reload" },
    };
    writeFileSync(join(rig.bundle, "project.json"), JSON.stringify(project));
    expect(rig.say("do")).toBe("web.reload  Reload\n");
    expect(rig.say("do", "web.reload", "WHAT=all")).toBe("reloaded all action:reload\n");
    expect(() => rig.say("do", "web.nothing")).toThrow(/E_UNKNOWN_ACTION/);
  });

  test("do fails an action that its time limit ended, whatever exit code its trap gives", () => {
    const rig = machine(["web"], {
      web: { scripts: { init: { file: "slow.sh", text: "trap 'exit 0' TERM; sleep 1000 & wait" } } },
    });
    const project = JSON.parse(readFileSync(join(rig.bundle, "project.json"), "utf8"));
    const slow = {
      file: "slow.sh",
      with: "exec",
      attempts: 1,
      backoff: 1,
      timeout: 50,
      digest: "",
      description: "Slow",
    };
    project.services[0].actions = { slow };
    writeFileSync(join(rig.bundle, "project.json"), JSON.stringify(project));
    expect(() => rig.say("do", "web.slow")).toThrow(/E_ACTION/);
  });
});
