import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { obtain } from "../../../src/artifacts/obtain.ts";
import { parseRemote } from "../../../src/artifacts/remote-source.ts";
import { ownCache } from "../../support/cache-folder.ts";

let home: string;
let repository: string;
let cache: string;
beforeEach(() => {
  cache = ownCache();
  home = mkdtempSync(join(tmpdir(), "bootlace-git-"));
  repository = join(home, "shop");
  mkdirSync(join(repository, "bin"), { recursive: true });
  git("init", "--quiet", "--initial-branch=main");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const git = (...argv: readonly string[]): string =>
  execFileSync(
    "git",
    ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always", ...argv],
    {
      cwd: repository,
      encoding: "utf8",
      stdio: "pipe",
    },
  ).trim();
const put = (path: string, text: string, mode = 0o644): void => writeFileSync(join(repository, path), text, { mode });
function commit(): string {
  git("add", "--all");
  git("commit", "--quiet", "--message", "x");
  return git("rev-parse", "HEAD");
}
function fetched(name: string) {
  const source = parseRemote(`file://${repository}`, name);
  if ("problem" in source) throw new Error(source.problem);
  return obtain(source, undefined);
}
/** Unpacks with the machine's tar. */
function unpacked(file: string): string {
  const folder = mkdtempSync(join(home, "out-"));
  execFileSync("tar", ["-xzf", file, "-C", folder]);
  return folder;
}

describe("obtain() from git", () => {
  test("makes an archive of a commit's files, with modes and links, whatever came after it", async () => {
    put("bin/serve", "#!/bin/sh\n", 0o755);
    put("readme", "hello\n");
    put("empty", "");
    const long = `${"long-".repeat(30)}/${"name-".repeat(40)}ü`;
    mkdirSync(join(repository, long, ".."), { recursive: true });
    put(long, "deep\n");
    symlinkSync("bin/serve", join(repository, "start"));
    const name = commit();
    put("readme", "later\n");
    commit();
    const folder = unpacked((await fetched(name)).file);
    expect(readFileSync(join(folder, "readme"), "utf8")).toBe("hello\n");
    expect(readFileSync(join(folder, long), "utf8")).toBe("deep\n");
    expect(readFileSync(join(folder, "empty"), "utf8")).toBe("");
    expect(statSync(join(folder, "bin/serve")).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(folder, "start"))).toBe("bin/serve");
    expect(existsSync(join(folder, ".git"))).toBe(false);
  });

  test("gives the same bytes each time, and leaves nothing else in the cache", async () => {
    put("a", Array.from({ length: 400_000 }, (_, i) => i).join(" "));
    const name = commit();
    const first = await fetched(name);
    const bytes = readFileSync(first.file);
    rmSync(first.file);
    expect(await fetched(name)).toEqual(first);
    expect(readFileSync(first.file).equals(bytes)).toBe(true);
    // RFC 1952: no time, no name.
    expect(bytes.subarray(0, 9).toString("hex")).toMatch(/^1f8b080000000000/);
    expect(gunzipSync(bytes).length % 512).toBe(0);
    expect(readdirSync(join(cache, "bootlace/artifacts"))).toEqual([first.digest]);
  });

  test("gives files as they were committed: no filter, no attribute and no hook of the repository has a say", async () => {
    const ran = join(home, "ran");
    put(".gitattributes", "* text eol=crlf\nid export-subst\nsecret export-ignore\n*.big filter=evil\n");
    put("id", "$Format:%H$\n");
    put("secret", "there\n");
    put("x.big", "plain\n");
    const name = commit();
    git("config", "filter.evil.smudge", `touch ${ran}; cat`);
    git("config", "uploadpack.packObjectsHook", `touch ${ran}; exec`);
    for (const hook of ["post-checkout", "post-merge", "reference-transaction", "pre-auto-gc"])
      writeFileSync(join(repository, ".git/hooks", hook), `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
    const folder = unpacked((await fetched(name)).file);
    expect(readFileSync(join(folder, "id"), "utf8")).toBe("$Format:%H$\n");
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe("there\n");
    expect(readFileSync(join(folder, "x.big"), "utf8")).toBe("plain\n");
    expect(existsSync(ran)).toBe(false);
  });

  test("leaves the repository alone in whose hook it runs", async () => {
    put("a", "a\n");
    const name = commit();
    const before = readFileSync((await fetched(name)).file);
    rmSync(cache, { recursive: true });
    const objects = join(home, "objects");
    const hook = {
      GIT_OBJECT_DIRECTORY: objects,
      GIT_DIR: join(home, "other"),
      GIT_NAMESPACE: "x",
      GIT_COMMON_DIR: home,
    };
    for (const [key, value] of Object.entries(hook)) vi.stubEnv(key, value);
    try {
      expect(readFileSync((await fetched(name)).file).equals(before)).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readdirSync(home)).toEqual(["shop"]);
  });

  test("gives ssh a time limit, but where the user says how ssh is called", async () => {
    const bin = join(home, "bin");
    mkdirSync(bin);
    const script = `#!/bin/sh\necho "\${0##*/} $*" >> ${home}/called\nexit 255\n`;
    for (const name of ["ssh", "mine"]) writeFileSync(join(bin, name), script, { mode: 0o755 });
    const source = parseRemote("git+ssh://git@localhost/x.git", "1".repeat(40));
    if ("problem" in source) throw new Error(source.problem);
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
    try {
      await expect(obtain(source, undefined)).rejects.toMatchObject({ code: "E_ARTIFACT_GET" });
      const limited = /^ssh -oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=15 .*git@localhost/;
      expect(readFileSync(join(home, "called"), "utf8")).toMatch(limited);
      rmSync(join(home, "called"));
      writeFileSync(join(home, "settings"), `[core]\n\tsshCommand = mine\n`);
      vi.stubEnv("GIT_CONFIG_GLOBAL", join(home, "settings"));
      await expect(obtain(source, undefined)).rejects.toMatchObject({ code: "E_ARTIFACT_GET" });
      expect(readFileSync(join(home, "called"), "utf8")).toMatch(/^mine /);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("leaves submodules out", async () => {
    put("a", "a");
    const other = join(home, "other");
    execFileSync("git", ["clone", "--quiet", "--bare", repository, other], { stdio: "ignore" });
    commit();
    execFileSync("git", ["fetch", "--quiet", repository, "main:main"], { cwd: other });
    git("submodule", "--quiet", "add", `file://${other}`, "sub");
    const folder = unpacked((await fetched(commit())).file);
    expect(readdirSync(folder).sort()).toEqual([".gitmodules", "a"]);
  });

  test("finds a commit that no branch points to any more where the server gives it out, and says when there is none", async () => {
    put("a", "a");
    commit();
    await expect(fetched("0".repeat(40))).rejects.toMatchObject({
      code: "E_ARTIFACT_GET",
      message: expect.stringMatching(/could not be fetched: (?:git: .*|.* has no commit 0{40})/),
    });
  });

  test("takes all branches and tags from a server that gives out no single commit", async () => {
    put("a", "one");
    const name = commit();
    put("a", "two");
    commit();
    // Protocol 0 refuses what is not the tip of a branch.
    git("config", "uploadpack.allowAnySHA1InWant", "false");
    // What the user's own settings would run at each change of a branch.
    const hooks = join(home, "hooks");
    mkdirSync(hooks);
    writeFileSync(join(hooks, "reference-transaction"), `#!/bin/sh\ntouch ${home}/ran\n`, { mode: 0o755 });
    const before = { ...process.env };
    Object.assign(process.env, {
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "protocol.version",
      GIT_CONFIG_VALUE_0: "0",
      GIT_CONFIG_KEY_1: "core.hooksPath",
      GIT_CONFIG_VALUE_1: hooks,
    });
    try {
      expect(readFileSync(join(unpacked((await fetched(name)).file), "a"), "utf8")).toBe("one");
    } finally {
      process.env = before;
    }
    expect(existsSync(join(home, "ran"))).toBe(false);
  });

  test("asks for no password and names what git said", async () => {
    const source = parseRemote("ssh://nobody@127.0.0.1:1/x.git", "1".repeat(40));
    if ("problem" in source) throw new Error(source.problem);
    await expect(obtain(source, undefined)).rejects.toMatchObject({ code: "E_ARTIFACT_GET" });
  });
});
