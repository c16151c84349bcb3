import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { memoryFolder, pathsUnder } from "../../stage2/index.ts";
import { MachineRig, type ServiceSketch } from "../support/machine-rig.ts";
import { until } from "../support/until.ts";

const rigs: MachineRig[] = [];
afterEach(() => {
  for (const rig of rigs.splice(0)) {
    rmSync(memoryFolder(pathsUnder(rig.root)) ?? "", { recursive: true, force: true });
    rig.dispose();
  }
});
function machine(roots: string[], services: Record<string, ServiceSketch>, prefix: string[] = []): MachineRig {
  const rig = new MachineRig(roots, services, prefix);
  rigs.push(rig);
  return rig;
}
const NOBODY = 65534;
const alive = (pid: string): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
/** Puts a secret where the desk's session would. */
function secret(rig: MachineRig, name: string, value: string | Buffer): void {
  const folder = join(memoryFolder(pathsUnder(rig.root))!, "secrets/web");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), value, { mode: 0o400 });
}
/** Everything under the machine's root, as latin1 text. */
const everything = (rig: MachineRig): string =>
  execFileSync("sh", ["-c", `find ${rig.root} -type f -exec cat {} +`]).toString("latin1");

describe("a script that is ended", () => {
  test("by its time limit has failed, whatever exit code its trap gives", async () => {
    const rig = machine(["a", "b"], {
      a: { scripts: { init: { timeout: 50, text: "trap 'exit 0' TERM; sleep 1000 & wait" } } },
      b: { scripts: { init: { timeout: 50, text: "trap 'exit 194' TERM; sleep 1000 & wait" } } },
    });
    const run = await rig.run();
    expect([...run.close.failed].sort()).toEqual(["a.init", "b.init"]);
  });

  test("takes with it what ignores TERM and what has a process group of its own", async () => {
    const child = (name: string): string =>
      `sh -c 'trap "" TERM; echo $$ >"$WORLD/${name}"; while :; do sleep 0.1; done'`;
    const rig = machine(["web"], {
      web: { scripts: { init: { timeout: 300, text: `${child("same")} & timeout 1000 ${child("own")} & wait` } } },
    });
    const running = rig.start();
    await until(() => rig.read("same") !== "" && rig.read("own") !== "");
    expect(await running.exit).toBe(1);
    expect([alive(rig.read("same").trim()), alive(rig.read("own").trim())]).toEqual([false, false]);
  });

  test("because its lane was killed does not live on unseen", async () => {
    const rig = machine(["web"], { web: { scripts: { init: 'echo $$ >"$WORLD/pid"; sleep 1000' } } });
    const running = rig.start();
    await until(() => rig.read("pid") !== "");
    const lane = readFileSync(`/proc/${rig.read("pid").trim()}/stat`, "utf8")
      .split(") ")[1]!
      .split(" ")[1]!;
    process.kill(Number(lane), "SIGKILL");
    expect(await running.exit).toBe(1);
    expect(alive(rig.read("pid").trim())).toBe(false);
  });
});

describe("a secret", () => {
  test.each([
    ["as a value", 'echo "TOKEN=$(cat "$BOOTLACE_CREDENTIALS/token")" >>"$BOOTLACE_OUTPUT"'],
    ["in base64", 'echo "TOKEN=$(base64 <"$BOOTLACE_CREDENTIALS/token")" >>"$BOOTLACE_OUTPUT"'],
    ["in a line that is none", 'echo "token: $(cat "$BOOTLACE_CREDENTIALS/token")" >>"$BOOTLACE_OUTPUT"'],
  ])("that a script writes into its outputs %s fails it, and is in no file", async (_, text) => {
    const rig = machine(["web"], { web: { secrets: { token: { phases: ["init"] } }, scripts: { init: text } } });
    secret(rig, "token", "hunter22-production");
    const run = await rig.run();
    expect(run.events.find((event) => event.k === "fail")).toMatchObject({ reason: "outputs" });
    expect(everything(rig)).not.toMatch(/hunter22|aHVudGVyMjI/);
  });

  test("of any bytes is masked in base64, hex and as it is", async () => {
    const key = Buffer.from([0, 255, 254, 1, 2, 3, 200, 201, 202, 203, 204, 205]);
    const rig = machine(["web"], {
      web: {
        secrets: { key: { phases: ["init"] } },
        scripts: { init: 'f=$BOOTLACE_CREDENTIALS/key; base64 <"$f"; od -An -tx1 "$f" | tr -d " \\n"; echo; cat "$f"' },
      },
    });
    secret(rig, "key", key);
    await rig.run();
    const text = everything(rig);
    for (const form of [key.toString("base64"), key.toString("hex"), key.toString("latin1")])
      expect(text).not.toContain(form);
    expect(text).toContain("[redacted]");
  });

  test("does not cost a service its daemon, nor the machine its lock: it goes on writing when the phase has ended", async () => {
    // As stage1 hands its lock on.
    const handOn = ["sh", "-c", 'mkdir -p "$(dirname "$LOCK")"; exec 9>>"$LOCK"; flock 9; exec "$@"', "sh"];
    const rig = machine(["web"], {}, handOn);
    const lock = join(rig.root, "var/lib/bootlace/lock");
    const daemon = `(${rig.hold("gate")}; while echo x; do echo x >>"$WORLD/beats"; sleep 0.01; done) & echo $! >"$WORLD/pid"`;
    rig.write(["web"], { web: { secrets: { token: { phases: ["update"] } }, scripts: { update: daemon } } });
    secret(rig, "token", "hunter22-production");
    expect((await rig.run(["run"], { LOCK: lock, BOOTLACE_STAGE1: "0.1.0" })).code).toBe(0);
    await rig.release("gate");
    await until(() => rig.read("beats").length > 20);
    expect(alive(rig.read("pid").trim())).toBe(true);
    execFileSync("flock", ["-n", lock, "true"]);
    process.kill(Number(rig.read("pid")), "SIGKILL");
  });
});

describe("one service", () => {
  test.each([
    ["an output name of 4,000 letters", { scripts: { init: `printf "A%04000d=1\\n" 0 | tr 0 A >"$BOOTLACE_OUTPUT"` } }],
    ["an output file of three gigabytes", { scripts: { init: 'truncate -s 3G "$BOOTLACE_OUTPUT"' } }],
    ["a FIFO for its output file", { scripts: { init: 'mkfifo "$BOOTLACE_OUTPUT"' } }],
    ["a link for its output file", { scripts: { init: 'ln -s /etc/shadow "$BOOTLACE_OUTPUT"' } }],
    [
      "a readiness check on a folder",
      { scripts: { update: "true" }, ready: { kind: "log", file: "/etc", pattern: "x", within: 1 } },
    ],
  ] as const)("with %s fails alone", async (_, sketch) => {
    const rig = machine(["bad", "good"], {
      bad: sketch as ServiceSketch,
      good: { scripts: { init: "true", update: "true" } },
    });
    const run = await rig.run();
    expect(run.code).toBe(1);
    expect(run.close.failed).toHaveLength(1);
    expect(run.close.failed[0]).toMatch(/^bad\./);
    expect(run.started).toContain("good.update");
  });

  test("that many others wait for does not use up the process's files", async () => {
    const others = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`s${i}`, { requires: ["base"], scripts: { init: "true" } }]),
    );
    const rig = machine(Object.keys(others), { base: { scripts: { init: "sleep 0.1" } }, ...others }, [
      "sh",
      "-c",
      'ulimit -n 120; exec "$@"',
      "sh",
    ]);
    const run = await rig.run(["run", "--jobs", "4"]);
    expect(run.code).toBe(0);
    expect(run.events.filter((event) => event.k === "notice")).toEqual([]);
  });

  test("of another user may write to /dev/stderr, with secrets in reach and without", async () => {
    const write = { user: "nobody", text: "echo said >/dev/stderr" };
    const rig = machine(["web"], {
      web: { secrets: { token: { phases: ["update"] } }, scripts: { init: write, update: write } },
    });
    secret(rig, "token", "hunter22-production");
    const run = await rig.run();
    expect([run.code, run.output("web.init"), run.output("web.update")]).toEqual([0, "said\n", "said\n"]);
  });

  test("records an intent for each try, so that a killed second try is seen", async () => {
    const rig = machine(["web"], { web: { scripts: { init: { attempts: 3, text: "exit 1" } } } });
    await rig.run();
    expect(readFileSync(rig.journal, "utf8").match(/"k":"start","svc":"web","phase":"init","try":\d/g)).toHaveLength(3);
  });

  test("that has left the project is torn down by the destroy that was kept at its init", async () => {
    const destroy = 'echo "$BOOTLACE_SERVICE" >>"$WORLD/gone"';
    const rig = machine(["web"], {
      web: { requires: ["user"], scripts: { init: "true", destroy } },
      user: { scripts: { init: "true", destroy } },
    });
    await rig.run();
    rig.write(["user"], { user: { scripts: { init: "true", destroy } } });
    expect((await rig.run(["run", "--phase", "destroy"])).code).toBe(0);
    expect(rig.read("gone").split("\n").sort()).toEqual(["", "user", "web"]);
  });

  test("keeps what its destroy needs, for the day that it has left the project", async () => {
    const rig = machine(["web"], { web: { scripts: { init: "true", destroy: "echo gone" } } });
    await rig.run();
    const kept = join(rig.root, "var/lib/bootlace/destroy/web");
    expect(readFileSync(join(kept, "services/web/.bootlace/destroy"), "utf8")).toContain("echo gone");
    expect(JSON.parse(readFileSync(join(kept, "service.json"), "utf8"))).toMatchObject({ name: "web" });
  });
});

describe("an artifact", () => {
  test("is placed without following what the service's user has put in its way", async () => {
    const rig = machine(["web"], {});
    const blob = Buffer.from("artifact\n");
    const digest = createHash("sha256").update(blob).digest("hex");
    const home = join(rig.world, "home");
    mkdirSync(home);
    chownSync(home, NOBODY, NOBODY);
    const victim = join(rig.world, "victim");
    writeFileSync(victim, "root's\n", { mode: 0o600 });
    symlinkSync(victim, join(home, "app.bootlace-new"));
    rig.write(["web"], {
      web: {
        artifacts: [
          {
            name: "app",
            blobs: { any: { digest, bytes: blob.length } },
            kind: "file",
            to: join(home, "app"),
            user: "nobody",
            mode: 0o750,
          },
        ],
        scripts: { init: "true" },
      },
    });
    const artifacts = join(rig.root, "var/lib/bootlace/artifacts");
    mkdirSync(artifacts, { recursive: true });
    writeFileSync(join(artifacts, digest), blob);
    expect((await rig.run()).code).toBe(0);
    expect(readFileSync(victim, "utf8")).toBe("root's\n");
    expect([statSync(victim).uid, (statSync(victim).mode & 0o777).toString(8)]).toEqual([0, "600"]);
    const placed = statSync(join(home, "app"));
    expect([placed.uid, (placed.mode & 0o777).toString(8), readFileSync(join(home, "app"), "utf8")]).toEqual([
      NOBODY,
      "750",
      "artifact\n",
    ]);
  });
});
