import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { MachineRig, type ServiceSketch } from "../support/machine-rig.ts";
import { until } from "../support/until.ts";

const rigs: MachineRig[] = [];
const mounts: string[] = [];
afterEach(() => {
  for (const mount of mounts.splice(0)) execFileSync("umount", ["-l", mount]);
  for (const rig of rigs.splice(0)) rig.dispose();
});
function machine(roots: string[], services: Record<string, ServiceSketch>): MachineRig {
  const rig = new MachineRig(roots, services);
  rigs.push(rig);
  return rig;
}
function tmpfs(folder: string, size: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", folder]);
  mounts.push(folder);
}
const logOf = (rig: MachineRig, run: string, step: string): string =>
  join(rig.root, "var/lib/bootlace/runs", run, `${step}.log`);
const alive = (pid: string): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

describe("a script that", () => {
  test.each(["", "setsid "])(
    "forks a daemon (%s) and exits: the phase ends, the daemon lives on with its output, and is reported",
    async (how) => {
      const rig = machine(["web"], {});
      rig.write(["web"], {
        web: {
          scripts: {
            // The daemon is up before the phase ends: one that is still being started may be missed by the report.
            update: `${how}sh -c 'echo $$ >"$WORLD/pid"; ${rig.hold("gate")}; echo late; echo x >"$WORLD/late"' &
while [ ! -s "$WORLD/pid" ]; do :; done`,
          },
        },
      });
      const run = await rig.run(["run", "--run", "r1"]);
      expect(run.code).toBe(0);
      const [pid] = rig.read("pid").trim().split("\n");
      expect(alive(pid!)).toBe(true);
      expect(run.events.find((event) => event.k === "left-running")).toMatchObject({ step: "web.update" });
      await rig.release("gate");
      await until(() => rig.read("late") !== "");
    },
  );

  test("ignores TERM is killed with its whole group when its time is over", async () => {
    const rig = machine(["web"], {
      web: {
        scripts: {
          init: {
            timeout: 50,
            text: 'trap "" TERM; sh -c \'trap "" TERM; echo $$ >"$WORLD/child"; while :; do sleep 1; done\' & echo $$ >"$WORLD/pid"; while :; do sleep 1; done',
          },
        },
      },
    });
    const run = await rig.run();
    expect(run.code).toBe(1);
    expect(run.events.find((event) => event.k === "fail")).toMatchObject({ reason: "timeout=0.05s" });
    for (const name of ["pid", "child"]) expect(alive(rig.read(name).trim())).toBe(false);
  });

  test("is timed out does not take an earlier step's daemon with it", async () => {
    const rig = machine(["late"], {
      early: { scripts: { init: "sh -c 'echo $$ >\"$WORLD/daemon\"; exec sleep 1000' & sleep 0.05" } },
      late: { requires: ["early"], scripts: { init: { timeout: 50, text: "sleep 1000" } } },
    });
    await rig.run(["run", "--jobs", "1"]);
    const daemon = rig.read("daemon").trim();
    expect(alive(daemon)).toBe(true);
    process.kill(Number(daemon), "SIGKILL");
  });

  test("deletes its own working folder: that phase ends as it says, the next fails and names the folder", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'rm -rf "$BOOTLACE_DIR"', update: "true" } } });
    const run = await rig.run();
    expect(run.close.failed).toEqual(["web.update"]);
    expect(run.events.find((event) => event.k === "fail")).toMatchObject({
      message: expect.stringContaining("its working folder"),
    });
  });

  test("prints a million lines: all are in the log file, events are capped and memory stays flat", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "seq 1 1000000" } } });
    const running = rig.start(["run", "--run", "r1"]);
    await running.step("web.init");
    expect(await running.exit).toBe(0);
    const log = readFileSync(logOf(rig, "r1", "web.init"), "utf8");
    expect(log.length).toBe(6_888_896);
    expect(log.endsWith("\n1000000\n")).toBe(true);
    expect(running.output("web.init").length).toBeLessThanOrEqual(64 * 1024);
    expect(running.events.some((event) => event.k === "output-capped")).toBe(true);
  });

  test("prints binary data and no newline at its end: the log has the bytes as they were", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "printf 'a\\000\\377b'" } } });
    await rig.run(["run", "--run", "r1"]);
    expect([...readFileSync(logOf(rig, "r1", "web.init"))]).toEqual([97, 0, 255, 98]);
  });

  test("kills everything it can reach with kill 0: the run goes on", async () => {
    const rig = machine(["web", "other"], {
      web: { scripts: { init: "kill -KILL 0; sleep 1000" } },
      other: { scripts: { init: "true", update: "true" } },
    });
    const run = await rig.run(["run", "--jobs", "1"]);
    expect(run.close.failed).toEqual(["web.init"]);
    expect(run.started).toContain("other.update");
  });

  test("has no interpreter fails alone", async () => {
    const rig = machine(["web", "other"], {
      web: { scripts: { init: "#!/no/such/interpreter\n" } },
      other: { scripts: { init: "true" } },
    });
    expect((await rig.run()).close.failed).toEqual(["web.init"]);
  });
});

describe("a machine on which", () => {
  test("a script fills the volume: its failure is recorded, dependents are blocked, and the next run goes on", async () => {
    const rig = machine(["web"], {
      web: { requires: ["hog"], scripts: { init: "true" } },
      hog: { scripts: { init: '[ -e "$WORLD/freed" ] || dd if=/dev/zero of="$BOOTLACE_STATE/big" bs=64k; echo ok' } },
    });
    tmpfs(rig.root, "3m");
    const run = await rig.run();
    expect(run.code).toBe(1);
    expect(rig.say("status")).toMatch(/web\s+init blocked.*\n.*hog\s+init failed/);
    writeFileSync(join(rig.world, "freed"), "");
    execFileSync("rm", [join(rig.root, "var/lib/bootlace/state/hog/big")]);
    const next = await rig.run();
    expect(next.started).toEqual(["hog.init", "web.init"]);
    expect(next.code).toBe(0);
  });

  test("the volume of logs is full: scripts run, what is lost is said, outcomes are kept", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'echo x >>"$WORLD/ran"; echo output || true' } } });
    const runs = join(rig.root, "var/lib/bootlace/runs");
    tmpfs(runs, "64k");
    execFileSync("sh", ["-c", `dd if=/dev/zero of=${runs}/fill bs=4k 2>/dev/null || true`]);
    const run = await rig.run();
    expect(run.code).toBe(0);
    expect(
      run.events.some((event) => event.k === "notice" && (event.code === "W_EVENTS" || event.code === "W_LOG")),
    ).toBe(true);
    expect((await rig.run()).started).toEqual([]);
    expect(rig.read("ran")).toBe("x\n");
  });

  test("the volume is full before anything begins: nothing is run that could not be recorded", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'touch "$WORLD/ran"' } } });
    tmpfs(rig.root, "128k");
    const run = await rig.run();
    expect(run.code).toBe(7);
    expect(run.stderr).toMatch(/E_JOURNAL_WRITE.*no space/i);
    expect(existsSync(join(rig.world, "ran"))).toBe(false);
  });

  test("the state folder is read-only: refused before anything runs, with what to do", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'touch "$WORLD/ran"' } } });
    tmpfs(rig.root, "1m");
    execFileSync("mount", ["-o", "remount,ro", rig.root]);
    const run = await rig.run();
    expect(run.code).toBe(6);
    expect(run.stderr).toMatch(/E_STATE: The state folder .* read-only/);
    expect(existsSync(join(rig.world, "ran"))).toBe(false);
  });

  test("PATH is empty: scripts still find their programs", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'id -u >"$WORLD/id"' } } });
    expect((await rig.run(["run"], { PATH: "" })).code).toBe(0);
    expect(rig.read("id")).toBe("0\n");
  });

  test("the clock jumps back while a script runs: times stay sensible and the next run knows what was done", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'echo x >>"$WORLD/ran"', update: "true" } } });
    // A journal from the future: its times lie ahead of this machine's clock.
    await rig.run(["run"], {});
    const text = readFileSync(rig.journal, "utf8");
    expect(text).toMatch(/"t":\d+/);
    const shim = join(rig.dir, "clock.mjs");
    writeFileSync(shim, "const real = Date.now; let jump = 0; Date.now = () => real() - (jump += 3_600_000);\n");
    const run = await rig.run(["run"], { NODE_OPTIONS: `--import ${shim}` });
    expect(run.code).toBe(0);
    expect(run.started).toEqual(["web.update"]);
    for (const event of run.events)
      if (event.k === "done" || event.k === "close") expect(event.ms).toBeGreaterThanOrEqual(0);
    expect(rig.read("ran")).toBe("x\n");
  });

  test("the journal's last line is torn: it is cut, said, and nothing that was done runs again", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'echo x >>"$WORLD/ran"', update: "true" } } });
    await rig.run();
    const content = readFileSync(rig.journal, "latin1").replace(/\0+$/, "");
    truncateSync(rig.journal, content.length);
    appendFileSync(rig.journal, '{"v":1,"n":99,"t":17');
    const run = await rig.run();
    expect(run.events.some((event) => event.k === "notice" && event.code === "W_JOURNAL_TORN")).toBe(true);
    expect(run.started).toEqual(["web.update"]);
  });

  test("the journal is damaged in the middle: refused with exit 7, repaired only when told, and the damaged one is kept", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'echo x >>"$WORLD/ran"', update: "true" } } });
    await rig.run();
    const bytes = readFileSync(rig.journal);
    const line = bytes.indexOf(10) + 20;
    bytes[line]! ^= 1;
    writeFileSync(rig.journal, bytes);
    const run = await rig.run();
    expect([run.code, run.stderr]).toEqual([
      7,
      expect.stringMatching(/E_JOURNAL_CORRUPT: .*journal, line 2 \(byte \d+\) is damaged[\s\S]*journal repair/),
    ]);
    expect(() => rig.say("journal", "repair")).toThrow(/status 7|Command failed/);
    expect(readFileSync(rig.journal).equals(bytes)).toBe(true);
    expect(rig.say("journal", "repair", "--yes")).toMatch(/1 cannot: line 2[\s\S]*stay done: web[\s\S]*kept as/);
    expect((await rig.run()).started).toEqual(["web.update"]);
    expect(rig.read("ran")).toBe("x\n");
  });

  test("the journal has grown past a mebibyte: it is rewritten small, and nothing that was done is forgotten", async () => {
    const rig = machine(["web"], {
      web: {
        scripts: {
          init: 'echo x >>"$WORLD/ran"; echo KEY=v >$BOOTLACE_OUTPUT',
          update: 'echo "$BOOTLACE_BOOT" >>"$WORLD/boots"',
        },
      },
    });
    await rig.run();
    const { encodeRecord } = await import("../../stage2/journal/record.ts");
    const text = readFileSync(rig.journal, "utf8").replace(/\0+$/, "");
    let n = text.split("\n").length - 1;
    const filler = Array.from({ length: 4000 }, () =>
      encodeRecord({ n: ++n, t: 1, run: "old", k: "fail", svc: "web", phase: "update", rc: 1, why: "x".repeat(200) }),
    );
    writeFileSync(rig.journal, text + filler.join(""));
    const run = await rig.run();
    expect(run.started).toEqual(["web.update"]);
    expect(statSync(rig.journal).size).toBeLessThan(600 * 1024);
    expect(rig.read("ran")).toBe("x\n");
    expect(rig.read("boots")).toBe("first\nagain\n");
  });
});
