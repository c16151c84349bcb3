import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { ended, SHELLS, Stage1Rig, TestKey } from "../support/stage1-rig.ts";

const rigs: Stage1Rig[] = [];
function makeRig(conf: Readonly<Record<string, string>> = {}): Stage1Rig {
  const rig = new Stage1Rig(conf);
  rigs.push(rig);
  return rig;
}
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose();
});
beforeAll(() => ensureDebianPackages(SHELLS.map((shell) => shell.package)));

describe.each(SHELLS)("stage1 under $name", ({ argv }) => {
  test("gets, unpacks and starts a bundle, with the hand-off's environment and the lock on descriptor 9", async () => {
    const rig = makeRig();
    const bundle = rig.putBundle("one");
    rig.point(bundle);
    const { code, stderr } = await rig.run(argv, ["run", "--run", "r1", "-s", "a b"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [ran] = rig.ran();
    expect(ran).toMatchObject({
      args: ["--handoff", "1", "run", "--run", "r1", "-s", "a b"],
      lock: join(rig.state, "lock"),
      degraded: "",
      bundle: bundle.digest,
    });
    expect(rig.record("good")).toEqual({ bundle: bundle.digest, runtime: "system", serial: "1" });
    expect(statSync(join(rig.state, "lock")).mode & 0o777).toBe(0o600);
    expect(statSync(join(rig.state, "trust")).mode & 0o777).toBe(0o700);
  });

  test("starts a proven bundle by exec: the process it leaves is stage2 itself", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("one"));
    await rig.run(argv);
    const child = rig.start(argv);
    expect(await ended(child)).toEqual({ code: 0, signal: null, stderr: "" });
    expect(rig.ran()[1]?.pid).toBe(child.pid);
    expect(rig.marks()).toEqual(["one", "one"]);
    expect(rig.ran()[1]?.args).toEqual(["--handoff", "1", "boot"]);
  });

  test("falls back on the last good bundle when a new one dies before its plan is reached", async () => {
    const rig = makeRig();
    const good = rig.putBundle("good");
    rig.point(good);
    await rig.run(argv);
    rig.point(rig.putBundle("bad", "crash"));
    const { code, stderr } = await rig.run(argv);
    expect({ code, marks: rig.marks() }).toEqual({ code: 0, marks: ["good", "bad", "good"] });
    expect(stderr).toContain("falling back on bundle");
    expect(rig.ran()[2]?.degraded).toContain("ended before its plan was reached (status 9)");
    expect(rig.record("current")?.bundle).toBe(good.digest);
  });

  test("boots the last good bundle and says why when the store is gone", async () => {
    const rig = makeRig({ deadline: "1" });
    rig.point(rig.putBundle("one"));
    await rig.run(argv);
    rig.writeConf({ store: `file://${rig.home}/nowhere`, deadline: "1" });
    const { code, stderr } = await rig.run(argv);
    expect({ code, marks: rig.marks() }).toEqual({ code: 0, marks: ["one", "one"] });
    expect(rig.ran()[1]?.degraded).toContain("nowhere/channels/prod is not there");
    expect(stderr).toContain("the last good one");
  });

  test("refuses a pointer that goes back, and one that says something else under the same serial", async () => {
    const rig = makeRig();
    const [one, two] = [rig.putBundle("one"), rig.putBundle("two")];
    rig.point(one, { serial: 7 });
    await rig.run(argv);
    rig.point(two, { serial: 6 });
    const back = await rig.run(argv);
    rig.point(two, { serial: 7 });
    const other = await rig.run(argv);
    expect(back.stderr).toContain("goes back to epoch 1 serial 6, this machine has accepted epoch 1 serial 7");
    expect(other.stderr).toContain("says something else");
    expect(rig.marks()).toEqual(["one", "one", "one"]);
    const next = new TestKey(1, 2);
    rig.trustKey(next);
    rig.point(two, { serial: 3, epoch: 2 }, [next]);
    await rig.run(argv);
    expect(rig.marks().at(-1)).toBe("two");
  });

  test("passes SIGTERM on to a bundle that it watches, and ends as that one's result says", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("one", "waits"));
    const child = rig.start(argv);
    child.stderr?.on("data", (text: string) => {
      if (text.includes("waiting")) child.kill("SIGTERM");
    });
    expect(await ended(child)).toMatchObject({ code: 143, signal: null });
    expect(rig.record("good")?.serial).toBe("1");
  });

  test("unpacks the runtime that the pointer names for this machine and runs stage2 on it", async () => {
    const rig = makeRig({ runtime: "digest" });
    const script = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;
    const runtime = rig.putTar(tarStream([{ path: "bin/node", mode: 0o755, bytes: Buffer.from(script) }]), "runtimes");
    const platform = process.arch === "arm64" ? "linux-arm64-glibc" : "linux-x64-glibc";
    rig.point(rig.putBundle("one"), { runtimes: { [platform]: runtime } });
    expect(await rig.run(argv)).toMatchObject({ code: 0 });
    expect(rig.record("good")?.runtime).toBe(runtime.digest);
    expect(statSync(join(rig.state, "runtimes", runtime.digest, "bin/node")).mode & 0o777).toBe(0o755);
  });
});

describe("stage1", () => {
  test("is clean for ShellCheck, under 200 lines a file, and has the version of the package", () => {
    ensureDebianPackages(["shellcheck"]);
    const folder = new URL("../../stage1/", import.meta.url);
    const scripts = readdirSync(folder).filter((name) => !/\.(?:service|cron)$/.test(name));
    execFileSync("shellcheck", ["-x", ...scripts.map((name) => `stage1/${name}`)], {
      cwd: new URL("..", folder),
      stdio: "pipe",
    });
    for (const name of scripts) {
      expect({ name, short: readFileSync(new URL(name, folder), "utf8").split("\n").length <= 200 }).toEqual({
        name,
        short: true,
      });
    }
    const { version } = JSON.parse(readFileSync(new URL("../package.json", folder), "utf8")) as { version: string };
    expect(execFileSync("sh", ["stage1/stage1", "--version"], { cwd: new URL("..", folder) }).toString()).toBe(
      `${version}\n`,
    );
  });

  test.each([
    ["an old Node", "#!/bin/sh\necho v18.20.4\n", "is v18.20.4, expected Node 20 or newer"],
    [
      "a Node that this machine lacks libraries for",
      "#!/bin/sh\necho libstdc++.so.6 is missing >&2; exit 127\n",
      "libstdc++.so.6 is missing",
    ],
  ])("does not start stage2 on %s", async (_name, node, text) => {
    const rig = makeRig();
    rig.point(rig.putBundle("one"));
    writeFileSync(join(rig.home, "node"), node);
    chmodSync(join(rig.home, "node"), 0o755);
    const { code, stderr } = await rig.run(["sh"], [], { PATH: `${rig.home}:${process.env.PATH}` });
    expect({ code, stderr, marks: rig.marks() }).toEqual({ code: 6, stderr: expect.stringContaining(text), marks: [] });
  });

  test("with store=none boots what is on the machine, and says so when there is nothing", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("one"));
    await rig.run();
    rig.writeConf({ store: "none" });
    expect(await rig.run()).toEqual({ code: 0, signal: null, stderr: "" });
    const bare = makeRig({ store: "none" });
    expect(await bare.run()).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("no bundle is on this machine"),
    });
  });

  test("ends with 3 and names the holder while another stage1 holds the lock", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("one"));
    await rig.run();
    const script = `import { execFileSync } from "node:child_process";
try { execFileSync("sh", [${JSON.stringify(new URL("../../stage1/stage1", import.meta.url).pathname)}, "--root", ${JSON.stringify(rig.root)}], { stdio: "pipe" }); }
catch (error) { process.stderr.write("inner=" + error.status + " " + error.stderr); }`;
    rig.point(rig.putBundle("nested", "good", { "stage2.mjs": script }));
    const { stderr } = await rig.run();
    expect(stderr).toMatch(/inner=3 bootlace\[stage1\]: another run holds .*lock \(process \d+\)/);
  });

  test("keeps a bundle unproven while its run never closed, and never calls a refused journal the bundle's fault", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("good"));
    await rig.run();
    rig.point(rig.putBundle("cut", "killed-later"));
    const cut = await rig.run();
    expect({ code: cut.code, good: rig.record("good")?.serial }).toEqual({ code: 137, good: "1" });
    rig.point(rig.putBundle("refused", "refused"));
    expect(await rig.run()).toMatchObject({ code: 7 });
    expect(rig.marks()).toEqual(["good", "cut", "refused"]);
  });

  test("keeps the bundle that was good before, and removes older ones", async () => {
    const rig = makeRig();
    const bundles = ["one", "two", "three"].map((mark) => rig.putBundle(mark));
    for (const bundle of bundles) {
      rig.point(bundle);
      await rig.run();
    }
    expect(readdirSync(join(rig.state, "bundles")).sort()).toEqual(
      bundles
        .slice(1)
        .map(({ digest }) => digest)
        .sort(),
    );
  });

  test("fetches the artifacts that the bundle lists for this architecture, only while they are missing", async () => {
    const rig = makeRig();
    const blobs = ["for any", "for another"].map((text) => {
      const digest = createHash("sha256").update(text).digest("hex");
      writeFileSync(join(rig.store, "artifacts", digest), text);
      return { digest, bytes: text.length };
    });
    const [any, other] = blobs;
    const list = `${any?.digest} ${any?.bytes} any\n${other?.digest} ${other?.bytes} riscv\n`;
    rig.point(rig.putBundle("one", "good", { "artifacts.list": list }));
    expect((await rig.run()).stderr).toContain(`getting artifacts/${any?.digest}`);
    expect(readdirSync(join(rig.state, "artifacts"))).toEqual([any?.digest]);
    expect((await rig.run()).stderr).toBe("");
  });

  test("keeps bundles, runtimes and artifacts of this bundle and of the good one before it, and no others", async () => {
    const rig = makeRig({ runtime: "digest" });
    const platform = process.arch === "arm64" ? "linux-arm64-glibc" : "linux-x64-glibc";
    const kept: string[][] = [];
    for (const mark of ["one", "two", "three"]) {
      const { digest, bytes } = rig.putArtifact(mark);
      const bundle = rig.putBundle(mark, "good", { "artifacts.list": `${digest} ${bytes} any\n` });
      const script = `#!/bin/sh\n# ${mark}\nexec ${process.execPath} "$@"\n`;
      const runtime = rig.putTar(
        tarStream([{ path: "bin/node", mode: 0o755, bytes: Buffer.from(script) }]),
        "runtimes",
      );
      rig.point(bundle, { runtimes: { [platform]: runtime } });
      expect(await rig.run()).toMatchObject({ code: 0 });
      kept.push([bundle.digest, digest, runtime.digest]);
    }
    const last = kept.slice(1);
    expect(readdirSync(join(rig.state, "runtimes")).sort()).toEqual(last.map(([, , runtime]) => runtime).sort());
    expect(readdirSync(join(rig.state, "bundles")).sort()).toEqual(last.map(([bundle]) => bundle).sort());
    expect(readdirSync(join(rig.state, "artifacts")).sort()).toEqual(last.map(([, artifact]) => artifact).sort());
  });

  /** What a desk does: the rig's store becomes the delivery. */
  function deliver(rig: Stage1Rig): void {
    mkdirSync(join(rig.state, "delivery"), { recursive: true });
    symlinkSync(rig.store, join(rig.state, "delivery/store"));
    rig.writeConf({ store: "file:///var/lib/bootlace/delivery/store" });
  }

  test("takes a desk's delivery without asking for a serial or a signature, and leaves nothing of it behind", async () => {
    const rig = makeRig();
    deliver(rig);
    rig.point(rig.putBundle("one"), { serial: 9 }, []);
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(existsSync(join(rig.state, "delivery"))).toBe(false);
    deliver(rig);
    rig.point(rig.putBundle("two"), { serial: 2 }, []);
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.marks()).toEqual(["one", "two"]);
    expect(existsSync(join(rig.state, "delivery"))).toBe(false);
  });

  test("never runs an older bundle in place of one that a desk delivered", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("good"));
    await rig.run();
    deliver(rig);
    rig.point(rig.putBundle("bad", "crash"));
    expect(await rig.run(["sh"], ["run"])).toMatchObject({
      code: 9,
      stderr: expect.stringContaining("nothing else was started"),
    });
    deliver(rig);
    rig.pointText("rubbish\n");
    expect(await rig.run(["sh"], ["run"])).toMatchObject({ code: 4 });
    expect(rig.marks()).toEqual(["good", "bad"]);
    rig.writeConf({ store: "none" });
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.marks()).toEqual(["good", "bad", "bad", "good"]);
  });

  test("warns of an expired pointer, and refuses it only where boot.conf says so", async () => {
    const rig = makeRig();
    const bundle = rig.putBundle("one");
    rig.point(bundle, { created: 1, expires: 2 });
    expect(await rig.run()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        "warning: the pointer of channel prod is old: it expired on 1970-01-01 00:00 UTC",
      ),
    });
    rig.writeConf({ expiry: "refuse" });
    expect(await rig.run()).toMatchObject({ code: 0, stderr: expect.stringContaining("is not accepted: it expired") });
    expect(rig.ran()[1]?.degraded).toContain("it expired");
  });

  test.each([
    ["an unknown key only warns", "colour=red\n", 0, "unknown key colour"],
    ["a carriage return is named", "runtime=system\r\n", 2, "carriage return"],
    ["a deadline that is none", "deadline=soon\n", 2, "expected 90, 90s or 3m, an hour at most"],
    ["a deadline that holds nobody back", "deadline=2h\n", 2, "an hour at most"],
    ["a deadline of a century", "deadline=99999999999\n", 2, "an hour at most"],
    ["an owner that is none", "bucket-owner=1\n", 2, "bucket-owner=1 is not known"],
    ["an owner of twelve letters", "bucket-owner=abcdefabcdef\n", 2, "expected an account of 12 digits"],
    ["an access that this stage1 lacks", "auth=kerberos\n", 2, "auth=kerberos is not known"],
    ["a role for a store that is not S3", "auth=role\n", 2, "auth=role signs requests to s3://"],
    ["a command is text", "region=$(touch /tmp/bootlace-pwned)\n", 0, ""],
  ])("reads boot.conf line by line: %s", async (_name, line, code, text) => {
    const rig = makeRig();
    rig.point(rig.putBundle("one"));
    const file = join(rig.root, "etc/bootlace/boot.conf");
    writeFileSync(file, readFileSync(file, "utf8") + line);
    expect(await rig.run()).toMatchObject({ code, stderr: expect.stringContaining(text) });
    expect(existsSync("/tmp/bootlace-pwned")).toBe(false);
  });

  test("boots the last good bundle when boot.conf is wrong, and says what is; what somebody asks for is refused", async () => {
    const rig = makeRig();
    rig.point(rig.putBundle("one"));
    await rig.run();
    for (const [conf, why] of [
      [{ deadline: "3 minutes" }, "deadline=3 minutes: expected 90, 90s or 3m"],
      [{ v: "2" }, "v=2 is not known"],
      [{ channel: "Stable 1" }, "store= needs channel= and project="],
    ] as const) {
      rig.writeConf(conf);
      const { code, stderr } = await rig.run();
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(why) });
      expect(rig.ran().at(-1)).toMatchObject({ mark: "one", degraded: expect.stringContaining(why) });
      expect(await rig.run(["sh"], ["run"])).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
    }
    rmSync(join(rig.root, "etc/bootlace/boot.conf"));
    expect(await rig.run()).toMatchObject({ code: 0, stderr: expect.stringContaining("boot.conf is not there") });
    expect(rig.marks()).toEqual(["one", "one", "one", "one", "one"]);
  });
});
