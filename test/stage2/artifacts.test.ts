import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Artifact } from "../../stage2/index.ts";
import { ESCAPED, HARMLESS_TAR, HOSTILE_TARS, type HostileEntry, tarOf } from "../support/hostile-tars.ts";
import { MachineRig } from "../support/machine-rig.ts";
import { until } from "../support/until.ts";

const NOBODY = 65534;
let rig: MachineRig;
let home: string;
beforeEach(() => {
  rig = new MachineRig(["web"], {});
  home = join(rig.world, "home");
  mkdirSync(home);
});
afterEach(() => {
  rig.dispose();
});

/** Puts a blob on the machine; answers the artifact of the service web that it is. */
function artifact(bytes: Buffer, more: Partial<Artifact> = {}): Artifact {
  const digest = createHash("sha256").update(bytes).digest("hex");
  const blob = join(rig.root, "var/lib/bootlace/artifacts", digest);
  mkdirSync(dirname(blob), { recursive: true });
  writeFileSync(blob, bytes);
  return {
    name: "app",
    blobs: { any: { digest, bytes: bytes.length } },
    kind: "tar.gz",
    to: join(home, "app"),
    ...more,
  };
}
/** A boot with these artifacts; answers what it said of the service. */
async function boot(...artifacts: readonly Artifact[]): Promise<{ code: number; said: string }> {
  rig.write(["web"], { web: { artifacts, scripts: { update: "true" } } });
  const run = await rig.run();
  return { code: run.code, said: run.events.flatMap((event) => (event.k === "fail" ? [event.message] : [])).join() };
}
const tgz = (...entries: readonly HostileEntry[]): Buffer => gzipSync(tarOf(...entries));
const owner = (path: string): [number, string] => {
  const { uid, mode } = lstatSync(join(home, path));
  return [uid, (mode & 0o7777).toString(8)];
};

describe("an archive on a machine", () => {
  test("is refused whatever of HOSTILE_TARS it is, and nothing is touched", async () => {
    const names = HOSTILE_TARS.map((_, index) => `web${index}`);
    const services = HOSTILE_TARS.map(([, tar], index) => {
      const to = join(home, `web${index}`);
      mkdirSync(to);
      writeFileSync(join(to, "plain"), "before");
      return [`web${index}`, { artifacts: [artifact(gzipSync(tar), { to })], scripts: { update: "true" } }] as const;
    });
    rig.write(names, Object.fromEntries(services));
    const run = await rig.run();
    for (const [index, [name, , why]] of HOSTILE_TARS.entries()) {
      const failed = run.events.find((event) => event.k === "fail" && event.step === `web${index}.update`);
      expect(failed, name).toMatchObject({ message: expect.stringMatching(/^its artifact app cannot be unpacked: /) });
      expect(failed, name).toMatchObject({ message: expect.stringMatching(why) });
      expect(readdirSync(join(home, `web${index}`)), name).toEqual(["plain"]);
      expect(readFileSync(join(home, `web${index}/plain`), "utf8"), name).toBe("before");
    }
    expect(readdirSync(home).sort()).toEqual(names.sort());
    expect(existsSync(ESCAPED)).toBe(false);
  });

  test("is unpacked for its user, links included, and once", async () => {
    const one = artifact(gzipSync(HARMLESS_TAR), { user: "nobody" });
    expect(await boot(one)).toEqual({ code: 0, said: "" });
    expect([owner("app"), owner("app/bin"), owner("app/bin/run"), owner("app/wide"), owner("app/start")[0]]).toEqual([
      [NOBODY, "755"],
      [NOBODY, "755"],
      [NOBODY, "755"],
      [NOBODY, "644"],
      NOBODY,
    ]);
    expect(readFileSync(join(home, "app/start"), "utf8")).toBe("#!/bin/sh\n");
    writeFileSync(join(home, "app/bin/run"), "changed by hand");
    await boot(one);
    expect(readFileSync(join(home, "app/bin/run"), "utf8")).toBe("changed by hand");
  });

  test("is merged into a folder that holds other things: folders keep their owner, files are replaced whole", async () => {
    mkdirSync(join(home, "app/data"), { recursive: true });
    chownSync(join(home, "app/data"), NOBODY, NOBODY);
    writeFileSync(join(home, "app/data/kept"), "kept");
    writeFileSync(join(home, "app/data/old"), "old");
    execFileSync("ln", [join(home, "app/data/old"), join(home, "hard")]);
    const bytes = tgz(
      { path: "data/old", body: "new" },
      { path: "data/more/x", body: "x" },
      { path: "top", body: "t" },
    );
    expect(await boot(artifact(bytes))).toEqual({ code: 0, said: "" });
    expect(readdirSync(join(home, "app"), { recursive: true }).sort()).toEqual([
      "data",
      "data/kept",
      "data/more",
      "data/more/x",
      "data/old",
      "top",
    ]);
    expect(readFileSync(join(home, "app/data/old"), "utf8")).toBe("new");
    // Written beside and renamed: what had the old file open, or under another name, still has the old one.
    expect(readFileSync(join(home, "hard"), "utf8")).toBe("old");
    expect([owner("app/data"), owner("app/data/more")[0]]).toEqual([[NOBODY, "755"], 0]);
  });

  test("goes over no link that the service's user has planted, neither in the tree nor on the way to it", async () => {
    const victim = join(rig.world, "victim");
    mkdirSync(victim);
    writeFileSync(join(victim, "file"), "root's");
    mkdirSync(join(home, "app"));
    chownSync(home, NOBODY, NOBODY);
    chownSync(join(home, "app"), NOBODY, NOBODY);
    const bytes = tgz({ path: "d/file", body: "evil" }, { path: "z", body: "evil" });

    symlinkSync(victim, join(home, "app/d"));
    const inside = await boot(artifact(bytes, { user: "nobody" }));
    expect(inside).toEqual({
      code: 1,
      said: expect.stringContaining("app/d is a link, the archive has a folder there"),
    });
    // Nothing is moved unless everything can be.
    expect(readdirSync(join(home, "app"))).toEqual(["d"]);

    rmSync(join(home, "app/d"));
    symlinkSync(join(victim, "file"), join(home, "app/z"));
    expect(await boot(artifact(bytes, { user: "nobody" }))).toEqual({ code: 0, said: "" });
    expect(lstatSync(join(home, "app/z")).isFile()).toBe(true);

    rmSync(join(home, "app"), { recursive: true });
    symlinkSync(victim, join(home, "app"));
    const onTheWay = await boot(artifact(tgz({ path: "file", body: "evil" }), { user: "nobody" }));
    expect(onTheWay).toEqual({ code: 1, said: expect.stringContaining("is a link that others than root can change") });
    expect([readdirSync(victim), readFileSync(join(victim, "file"), "utf8")]).toEqual([["file"], "root's"]);
  });

  test("follows a link of root's in a folder of root's", async () => {
    const data = join(rig.dir, "data");
    mkdirSync(data);
    symlinkSync("data", join(rig.dir, "srv"));
    const to = join(rig.dir, "srv/app");
    expect(await boot(artifact(tgz({ path: "x", body: "x" }), { to }))).toEqual({ code: 0, said: "" });
    expect(readFileSync(join(data, "app/x"), "utf8")).toBe("x");
  });

  test("does not put a file in the place of a folder", async () => {
    mkdirSync(join(home, "app/x"), { recursive: true });
    const { code, said } = await boot(artifact(tgz({ path: "a", body: "a" }, { path: "x", body: "x" })));
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringContaining("app/x is a folder, the archive has a file"),
    });
    expect(readdirSync(join(home, "app"))).toEqual(["x"]);
  });

  test("is unpacked over a file system that is mounted below", async () => {
    const mount = join(home, "app/volume");
    mkdirSync(mount, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", mount]);
    try {
      const bytes = tgz(
        { path: "volume/d/x", body: "x", mode: 0o755 },
        { path: "volume/y", body: "y" },
        { path: "volume/l", type: "SymbolicLink", linkpath: "y" },
      );
      expect(await boot(artifact(bytes, { user: "nobody" }))).toEqual({ code: 0, said: "" });
      expect(readdirSync(mount, { recursive: true }).sort()).toEqual(["d", "d/x", "l", "y"]);
      expect([owner("app/volume/d"), owner("app/volume/d/x"), owner("app/volume/y")]).toEqual([
        [NOBODY, "755"],
        [NOBODY, "755"],
        [NOBODY, "644"],
      ]);
    } finally {
      execFileSync("umount", [mount]);
    }
  });

  test("is whole after the runner was killed in the middle of it", async () => {
    const many = Array.from({ length: 4000 }, (_, at) => ({ path: `d${at % 40}/f${at}`, body: String(at) }));
    const one = artifact(tgz(...many), { user: "nobody" });
    mkdirSync(join(home, "app/d1"), { recursive: true });
    rig.write(["web"], { web: { artifacts: [one], scripts: { update: "true" } } });
    const staging = (): string[] => readdirSync(join(home, "app")).filter((name) => name.startsWith(".bootlace-"));
    const running = rig.start();
    await until(() => staging().length > 0);
    running.child.kill("SIGKILL");
    await running.exit;
    expect(running.events.some(({ k }) => k === "done" || k === "close")).toBe(false);
    expect(await boot(one)).toEqual({ code: 0, said: "" });
    expect(staging()).toEqual([]);
    const wrong = many.filter(({ path, body }) => readFileSync(join(home, "app", path), "utf8") !== body);
    expect([wrong, owner("app/d7/f7")]).toEqual([[], [NOBODY, "644"]]);
  });

  test("that a killed run had begun to unpack is unpacked anew, and nothing is left of the first try", async () => {
    const state = join(rig.root, "var/lib/bootlace/state");
    const app = join(home, "app");
    for (const folder of [state, join(app, ".bootlace-0123456789abcdef/half")]) mkdirSync(folder, { recursive: true });
    const { ino } = statSync(join(app, ".bootlace-0123456789abcdef"));
    const note = { path: app, name: ".bootlace-0123456789abcdef", ino };
    writeFileSync(join(state, ".placing~web"), JSON.stringify(note));
    expect(await boot(artifact(tgz({ path: "x", body: "x" })))).toEqual({ code: 0, said: "" });
    expect(readdirSync(app)).toEqual(["x"]);
    expect(readdirSync(state).filter((name) => name.startsWith(".placing"))).toEqual([]);
    // What is only called so is not ours to remove.
    mkdirSync(join(app, note.name));
    writeFileSync(join(state, ".placing~web"), JSON.stringify({ ...note, ino: 1 }));
    await boot(artifact(tgz({ path: "y", body: "y" })));
    expect(readdirSync(app).sort()).toEqual([note.name, "x", "y"]);
    // Killed before it could note which folder it had made: an empty one goes, one with something in it is somebody's.
    writeFileSync(join(state, ".placing~web"), JSON.stringify({ path: app, name: note.name }));
    await boot(artifact(tgz({ path: "z", body: "z" })));
    expect(readdirSync(app).sort()).toEqual(["x", "y", "z"]);
    mkdirSync(join(app, note.name, "theirs"), { recursive: true });
    writeFileSync(join(state, ".placing~web"), JSON.stringify({ path: app, name: note.name }));
    await boot(artifact(tgz({ path: "w", body: "w" })));
    expect(readdirSync(app).sort()).toEqual([note.name, "w", "x", "y", "z"]);
  });
});

describe("a file on a machine", () => {
  test("takes its place whole, with owner and mode", async () => {
    const one = artifact(Buffer.from("one"), { kind: "file", user: "nobody", mode: 0o750 });
    expect(await boot(one)).toEqual({ code: 0, said: "" });
    const two = artifact(Buffer.from("two"), { kind: "file", user: "nobody", mode: 0o750 });
    expect(await boot(two)).toEqual({ code: 0, said: "" });
    expect([readFileSync(join(home, "app"), "utf8"), owner("app")]).toEqual(["two", [NOBODY, "750"]]);
    expect(readdirSync(home)).toEqual(["app"]);
  });

  test("is put in its place again when only owner or mode have changed", async () => {
    const bytes = Buffer.from("one");
    await boot(artifact(bytes, { kind: "file" }));
    expect(owner("app")).toEqual([0, "644"]);
    await boot(artifact(bytes, { kind: "file", user: "nobody", mode: 0o600 }));
    expect(owner("app")).toEqual([NOBODY, "600"]);
  });

  test("does not take the place of a folder", async () => {
    mkdirSync(join(home, "app"));
    const { code, said } = await boot(artifact(Buffer.from("one"), { kind: "file" }));
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining("is a folder, expected a file") });
    expect(readdirSync(home)).toEqual(["app"]);
  });

  test("whose folder's name is a file says so", async () => {
    writeFileSync(join(home, "d"), "");
    const { code, said } = await boot(artifact(Buffer.from("one"), { kind: "file", to: join(home, "d/x") }));
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining("d is no folder") });
  });
});
