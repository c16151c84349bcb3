import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { type Lock, lockText, parseLock } from "../../../src/artifacts/lock-file.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { ownCache } from "../../support/cache-folder.ts";
import { tarOf } from "../../support/hostile-tars.ts";
import { type HttpsFiles, serveHttps } from "../../support/https-files.ts";
import { projectOf } from "../../support/project.ts";

const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

let cache: string;
let server: HttpsFiles;
let dir: string;
beforeEach(async () => {
  cache = ownCache();
  server = await serveHttps(cache);
  for (const name of ["app-x86_64", "app-arm64", "tool"]) server.files.set(`/${name}`, Buffer.from(name));
  dir = projectOf({
    "bootlace.yaml": "name: s\nservices: [web]\n",
    "services/web/service.yaml": `artifacts: {app: {from: "${server.url}/app-{arch}", to: /srv/app}}\n`,
    "services/tool/service.yaml": `artifacts: {tool: {from: "${server.url}/tool", to: /srv/tool}}\n`,
  });
});

async function bootlace(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
  const texts = ["", ""];
  const [stdout, stderr] = [0, 1].map(
    (at) =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          texts[at] += chunk.toString();
          done();
        },
      }),
  ) as [Writable, Writable];
  const exit = await runCli(argv, { cwd: dir, stdout, stderr, signal: new AbortController().signal });
  return { exit, out: texts[0]!, err: texts[1]! };
}
const lockFile = (): string => readFileSync(join(dir, "bootlace.lock"), "utf8");
const line = (name: string): string => `${sha256(name)} ${name.length} ${server.url}/${name}\n`;

describe("bootlace lock", () => {
  test("writes a sorted line for each source, and the project loads without the network", async () => {
    expect(await bootlace("check")).toMatchObject({ exit: 2, err: expect.stringContaining("E_ARTIFACT_UNLOCKED") });
    expect(await bootlace("lock")).toMatchObject({ exit: 0, out: expect.stringContaining("bootlace.lock: 3 sources") });
    expect(lockFile().replace(/^(?:bootlace-lock 1|#.*)\n/gm, "")).toBe(
      line("app-arm64") + line("app-x86_64") + line("tool"),
    );
    server.asked.length = 0;
    const { project, artifacts } = await loadProject(dir);
    expect(project.services.find(({ name }) => name === "web")?.artifacts[0]?.blobs).toEqual({
      x86_64: { digest: sha256("app-x86_64"), bytes: 10 },
      arm64: { digest: sha256("app-arm64"), bytes: 9 },
    });
    expect(artifacts).toHaveLength(3);
    expect(server.asked).toEqual([]);
  });

  test("asks only for what is missing, and drops what nothing names", async () => {
    await bootlace("lock");
    rmSync(join(dir, "services/tool"), { recursive: true });
    server.asked.length = 0;
    const { out } = await bootlace("lock");
    expect(out).toContain(`dropped  ${server.url}/tool`);
    expect(server.asked).toEqual([]);
    expect(lockFile()).not.toContain("/tool");
    rmSync(join(dir, "services/web"), { recursive: true });
    writeFileSync(join(dir, "bootlace.yaml"), "name: s\n");
    await bootlace("lock");
    expect(existsSync(join(dir, "bootlace.lock"))).toBe(false);
  });

  test("with a service asks only for what that service names", async () => {
    await bootlace("lock", "tool");
    expect(server.asked).toEqual(["GET /tool"]);
    expect(await bootlace("lock", "tol")).toMatchObject({ exit: 2, err: expect.stringContaining("E_UNKNOWN_SERVICE") });
  });

  test("--plan says what would be fetched and asks nobody", async () => {
    const { exit, out } = await bootlace("lock", "--plan");
    expect({ exit, asked: server.asked, there: existsSync(join(dir, "bootlace.lock")) }).toEqual({
      exit: 0,
      asked: [],
      there: false,
    });
    expect(out).toContain(`fetch    ${server.url}/tool  (new)`);
  });

  test("--update asks again and tells what changed, from which digest to which", async () => {
    await bootlace("lock");
    server.files.set("/tool", Buffer.from("newer"));
    expect((await bootlace("lock")).out).not.toContain("changed");
    const { out } = await bootlace("lock", "--update", "--json");
    expect(JSON.parse(out)).toMatchObject({
      planned: false,
      dropped: [],
      sources: [
        { state: "same" },
        { state: "same" },
        { state: "changed", source: `${server.url}/tool`, digest: sha256("newer"), bytes: 5, was: sha256("tool") },
      ],
    });
    expect(lockFile()).toContain(`${sha256("newer")} 5 ${server.url}/tool\n`);
  });

  test("locks the others when one cannot be had, and names its line", async () => {
    server.files.delete("/app-arm64");
    const { exit, err } = await bootlace("lock");
    expect({ exit, err }).toEqual({
      exit: 5,
      err: expect.stringMatching(/services\/web\/service.yaml:1:25 error E_ARTIFACT_GET: .*app-arm64.*HTTP 404/),
    });
    expect(lockFile()).toContain(line("app-x86_64") + line("tool"));
    expect(lockFile()).not.toContain("app-arm64");
  });

  test("refuses bytes that are not those that `sha256` names", async () => {
    const wrong = "0".repeat(64);
    writeFileSync(
      join(dir, "services/tool/service.yaml"),
      `artifacts: {tool: {from: "${server.url}/tool", to: /srv/tool, sha256: "${wrong}"}}\n`,
    );
    const { exit, err } = await bootlace("lock");
    expect({ exit, err }).toMatchObject({ exit: 2, err: expect.stringContaining("E_ARTIFACT_DIGEST") });
    expect(err).toContain(`${sha256("tool")}, tool expects ${wrong}`);
    expect(lockFile()).not.toContain("/tool");
  });

  test("refuses an archive that no machine would unpack, with what it holds", async () => {
    server.files.set("/evil.tgz", gzipSync(tarOf({ path: "../x", body: "x" })));
    writeFileSync(
      join(dir, "services/tool/service.yaml"),
      `artifacts: {tool: {from: "${server.url}/evil.tgz", to: /srv/tool}}\n`,
    );
    const { exit, err } = await bootlace("lock", "tool");
    expect({ exit, err }).toEqual({ exit: 4, err: expect.stringContaining('it holds "../x", a path with ..') });
    expect(existsSync(join(dir, "bootlace.lock"))).toBe(false);
  });

  test("takes a source whose `sha256` was changed with it", async () => {
    await bootlace("lock");
    server.files.set("/tool", Buffer.from("newer"));
    writeFileSync(
      join(dir, "services/tool/service.yaml"),
      `artifacts: {tool: {from: "${server.url}/tool", to: /srv/tool, sha256: "${sha256("newer")}"}}\n`,
    );
    expect(await bootlace("check")).toMatchObject({ exit: 2, err: expect.stringContaining("E_ARTIFACT_DIGEST") });
    expect((await bootlace("lock")).out).toContain("changed");
    expect(await bootlace("check")).toMatchObject({ exit: 0 });
  });

  test("also locks what only an image's parameters name", async () => {
    writeFileSync(join(dir, "bootlace.yaml"), "name: s\nimages: {big: {on: sandbox, params: {tool: {name: tool}}}}\n");
    writeFileSync(
      join(dir, "services/tool/service.yaml"),
      `params: {name: app-arm64}\nartifacts: {tool: {from: "${server.url}/{params.name}", to: /srv/tool}}\n`,
    );
    await bootlace("lock");
    expect(lockFile()).toContain(line("tool"));
    await expect(loadProject(dir, { params: { tool: { name: "tool" } } })).resolves.toBeDefined();
  });

  test("writes the same bytes again, and nothing when nothing changed", async () => {
    await bootlace("lock");
    const before = lockFile();
    rmSync(join(cache, "bootlace"), { recursive: true });
    await bootlace("lock", "--update");
    expect(lockFile()).toBe(before);
  });

  test("does not write over a lock that cannot be read", async () => {
    writeFileSync(join(dir, "bootlace.lock"), "bootlace-lock 2\n");
    expect(await bootlace("lock")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("bootlace.lock:1:1 error E_LOCK_FILE"),
    });
    expect(lockFile()).toBe("bootlace-lock 2\n");
  });
});

test("loadProject() notices that bootlace.lock has changed", async () => {
  await bootlace("lock");
  await loadProject(dir);
  const old = sha256("tool");
  writeFileSync(join(dir, "bootlace.lock"), lockFile().replace(old, "a".repeat(64)));
  const { artifacts } = await loadProject(dir);
  expect(artifacts.map(({ digest }) => digest)).toContain("a".repeat(64));
});

test("parseLock() reads what lockText() writes", () => {
  const id = fc.stringMatching(/^[!-~]{1,40}$/).filter((text) => !/^#/.test(text));
  const locked = fc.record({
    digest: fc.stringMatching(/^[0-9a-f]{64}$/),
    bytes: fc.nat(),
  });
  fc.assert(
    fc.property(fc.dictionary(id, locked), (entries) => {
      const lock: Lock = new Map(Object.entries(entries));
      const read = parseLock(lockText(lock));
      expect(read.faults).toEqual([]);
      expect(lockText(read.lock)).toBe(lockText(lock));
      expect(read.lock.size).toBe(lock.size);
    }),
  );
});
