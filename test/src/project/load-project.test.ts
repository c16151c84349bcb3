import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCache } from "../../../src/project/compiled-cache.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { showEffective } from "../../../src/project/show-effective.ts";
import type { Service } from "../../../stage2/index.ts";
import { projectOf } from "../../support/project.ts";

const SH = "#!/bin/sh -eu\necho hello\n";
const load = (dir: string) => loadProject(dir, { cache: false });
async function serviceOf(files: Record<string, string>, name = "web"): Promise<Service> {
  const { project } = await load(projectOf({ "bootlace.yaml": "name: shop\n", ...files }));
  return project.services.find((service) => service.name === name)!;
}

test("loadProject() turns inline shell into a file with #!/bin/sh -eu, and fills in defaults", async () => {
  const dir = projectOf({
    "bootlace.yaml": "name: shop\n",
    "services/web/service.yaml": "init: |\n  echo one\n  echo two\n",
  });
  const { project, files } = await load(dir);
  expect(project.services[0]).toMatchObject({
    name: "web",
    dir: "services/web",
    phases: { init: { file: ".bootlace/init", with: "exec", attempts: 1, backoff: 1000 } },
    requires: [],
    onInitChange: "warn",
    onFailure: "block",
  });
  const [file] = files;
  expect(file).toMatchObject({ path: "services/web/.bootlace/init", mode: 0o755 });
  const bytes = file && "bytes" in file.content ? Buffer.from(file.content.bytes).toString() : "";
  expect(bytes).toBe("#!/bin/sh -eu\necho one\necho two\n");
});

test("loadProject() gives the same digest whatever the file mode, comments and key order", async () => {
  const one = projectOf({
    "bootlace.yaml": "name: shop\n",
    "services/web/service.yaml": "params: {b: 1, a: 2}\nenv: {Y: y, X: x}\nupdate: ./u.sh\n",
    "services/web/u.sh": SH,
  });
  const two = projectOf({
    "bootlace.yaml": "name: shop\n",
    "services/web/service.yaml": "# comment\nupdate: ./u.sh\nenv: {X: x, Y: y}\nparams:\n  a: 2\n  b: 1\n",
    "services/web/u.sh": SH,
  });
  chmodSync(join(two, "services/web/u.sh"), 0o700);
  const [a, b] = await Promise.all([load(one), load(two)]);
  expect(a.project).toEqual(b.project);
  writeFileSync(join(two, "services/web/u.sh"), `${SH}echo more\n`);
  expect((await load(two)).project.services[0]?.digest).not.toBe(a.project.services[0]?.digest);
});

test("extends merges maps, replaces scripts and lists, removes what is null, and keeps inherited files working", async () => {
  const service = await serviceOf({
    "services/base/service.yaml":
      "requires: [a]\nlocks: [x, y]\nparams: {port: {type: integer, default: 1, max: 9}, gone: 1}\nenv: {A: a, B: b}\npackages: [curl]\nupdate: {run: ./update.sh, user: bob, timeout: 5s}\nseal: echo seal\n",
    "services/base/update.sh": SH,
    "services/a/service.yaml": "",
    "services/web/service.yaml":
      "extends: base\nlocks: [z]\nparams: {port: 7, gone: null}\nenv: {B: c}\npackages: {dnf: [wget]}\nseal: null\ninit: echo mine\n",
  });
  expect(service).toMatchObject({
    requires: ["a"],
    locks: ["z"],
    params: { port: 7 },
    env: { A: "a", B: "c" },
    packages: { apt: ["curl"], dnf: ["wget"], apk: ["curl"] },
    phases: { update: { file: "update.sh", user: "bob", timeout: 5000 }, init: { file: ".bootlace/init" } },
  });
  expect(Object.keys(service.phases)).toEqual(["init", "update"]);
});

test("extends replaces a script as a whole: the base's user and timeout do not stay behind", async () => {
  const service = await serviceOf({
    "services/base/service.yaml": 'update: {run: echo, user: bob, timeout: 5s}\nready: {tcp: "127.0.0.1:1"}\n',
    "services/web/service.yaml": 'extends: base\nupdate: {run: echo}\nready: {http: "http://127.0.0.1/"}\n',
  });
  expect(service.phases.update).not.toHaveProperty("user");
  expect(service.phases.update).not.toHaveProperty("timeout");
  expect(service.ready?.kind).toBe("http");
});

test("a service that lacks values is fine as long as it is only extended", async () => {
  const files = {
    "bootlace.yaml": "name: shop\nservices: [web]\n",
    "services/base/service.yaml": "params: {name: {type: string}}\n",
    "services/web/service.yaml": "extends: base\nparams: {name: x}\n",
  };
  const { project } = await load(projectOf(files));
  expect(project.services.map(({ name }) => name)).toEqual(["web"]);
  const used = projectOf({
    ...files,
    "services/web/service.yaml": "extends: base\nparams: {name: x}\nrequires: [base]\n",
  });
  await expect(load(used)).rejects.toMatchObject({ code: "E_CHECK", faults: [{ code: "E_PARAM" }] });
});

test("{params.x} is resolved with its type, facts and shell stay as they are", async () => {
  const service = await serviceOf({
    "bootlace.yaml": "name: shop\nparams: {web: {port: 81}}\n",
    "services/web/service.yaml":
      'params: {port: 80, status: 204, hosts: [a, b]}\nready: {http: "http://127.0.0.1:{params.port}/", status: "{params.status}"}\nenv: {X: "{params.hosts} {arch} {other}"}\nupdate: echo {params.port}\n',
  });
  expect(service.ready).toEqual({ kind: "http", url: "http://127.0.0.1:81/", status: 204, within: 30_000 });
  expect(service.env).toEqual({ X: "a b {arch} {other}" });
  expect(service.params).toEqual({ hosts: ["a", "b"], port: 81, status: 204 });
});

test("parameters of an image are laid over those of the project", async () => {
  const dir = projectOf({
    "bootlace.yaml": "name: s\nparams: {web: {port: 2}}\n",
    "services/web/service.yaml": "params: {port: 1, host: h}\n",
  });
  const { project } = await loadProject(dir, { params: { web: { port: 3 } } });
  expect(project.services[0]?.params).toEqual({ host: "h", port: 3 });
});

test("a .ts script is bundled with what it imports, and again only when an input changed", async () => {
  const dir = projectOf({
    "bootlace.yaml": "name: s\n",
    "services/web/service.yaml": "init: ./src/init.ts\n",
    "services/web/src/init.ts":
      'import { word } from "../lib/word.ts";\nconst text: string = word;\nconsole.log(text);\n',
    "services/web/lib/word.ts": 'export const word = "one";\n',
  });
  const bundled = async (): Promise<string> => {
    const { project, files } = await load(dir);
    expect(project.services[0]?.phases.init).toMatchObject({ file: ".bootlace/src~init.mjs", with: "node" });
    const file = files.find(({ path }) => path.endsWith("src~init.mjs"));
    return file && "bytes" in file.content ? Buffer.from(file.content.bytes).toString() : "";
  };
  const first = await bundled();
  expect(first).toContain('"one"');
  expect(await bundled()).toBe(first);
  writeFileSync(join(dir, "services/web/lib/word.ts"), 'export const word = "two";\n');
  expect(await bundled()).toContain('"two"');
});

test("artifacts are named by digest and bytes, one for each architecture that is there", async () => {
  const dir = projectOf({
    "bootlace.yaml": "name: s\n",
    "dist/app-x86_64.tar.gz": "not really",
    "services/web/service.yaml": 'artifacts: {app: {from: "dist/app-{arch}.tar.gz", to: /srv/app, user: web}}\n',
  });
  const { project, artifacts } = await load(dir);
  const digest = createHash("sha256").update("not really").digest("hex");
  expect(project.services[0]?.artifacts).toMatchObject([{ name: "app", kind: "tar.gz", to: "/srv/app", user: "web" }]);
  expect(project.services[0]?.artifacts[0]?.blobs).toEqual({ x86_64: { digest, bytes: 10 } });
  expect(artifacts).toMatchObject([{ digest, bytes: 10, file: join(dir, "dist/app-x86_64.tar.gz") }]);
});

test("artifacts from elsewhere have the digests of bootlace.lock, for the architectures that the service is for", async () => {
  const [A, B, commit] = ["a".repeat(64), "b".repeat(64), "c".repeat(40)];
  const dir = projectOf({
    "bootlace.yaml": 'name: s\nregion: eu-west-1\ns3: {endpoint: "https://minio.example.com"}\n',
    "bootlace.lock": [
      "bootlace-lock 1",
      `${A} 10 https://example.com/app-x86_64.tgz?v=1`,
      `${B} 11 git@example.com:site.git#${commit}`,
      `${B} 11 s3://bucket/key`,
      "",
    ].join("\n"),
    "services/web/service.yaml": `when: {arch: [x86_64]}
artifacts:
  app: {from: "https://example.com/app-{arch}.tgz?v=1", to: /srv/app}
  kept: {from: "https://example.com/app-x86_64.tgz?v=1", to: /srv/kept, unpack: false}
  site: {from: "git@example.com:site.git", commit: ${commit}, to: /srv/site}
  data: {from: "s3://bucket/key", to: /srv/data}
`,
  });
  const { project, artifacts } = await load(dir);
  expect(project.services[0]?.artifacts).toEqual([
    { name: "app", kind: "tar.gz", to: "/srv/app", blobs: { x86_64: { digest: A, bytes: 10 } } },
    { name: "data", kind: "file", to: "/srv/data", blobs: { any: { digest: B, bytes: 11 } } },
    { name: "kept", kind: "file", to: "/srv/kept", blobs: { any: { digest: A, bytes: 10 } } },
    { name: "site", kind: "tar.gz", to: "/srv/site", blobs: { any: { digest: B, bytes: 11 } } },
  ]);
  // One blob each; where two places have it, either will do.
  expect(artifacts.map(({ digest }) => digest).sort()).toEqual([A, B]);
  const other = projectOf({
    "bootlace.yaml": 'name: s\nregion: eu-west-1\ns3: {endpoint: "https://minio.example.com"}\n',
    "bootlace.lock": `bootlace-lock 1\n${B} 11 s3://bucket/key\n`,
    "services/web/service.yaml": 'artifacts: {data: {from: "s3://bucket/key", to: /srv/data}}\n',
  });
  expect((await load(other)).artifacts[0]?.file).toMatchObject({
    kind: "s3",
    bucket: "bucket",
    key: "key",
    region: "eu-west-1",
    endpoint: "https://minio.example.com",
  });
});

test("a lone command of `process` is exec'ed, so that signals reach it", async () => {
  const dir = projectOf({
    "bootlace.yaml": "name: s\n",
    "services/web/service.yaml": "process: {run: /srv/bin/server --port 80, stop: {grace: 3s}}\n",
  });
  const { project, files } = await load(dir);
  expect(project.services[0]?.process).toMatchObject({ restart: "on-failure", stop: { signal: "TERM", grace: 3000 } });
  const content = files[0]?.content;
  expect(content && "bytes" in content && Buffer.from(content.bytes).toString()).toBe(
    "#!/bin/sh -eu\nexec /srv/bin/server --port 80\n",
  );
});

/** The cache does not trust files younger than the clock's tick; so let them be old, as `touch -d` would. */
async function settled(dir: string, paths: string[]): Promise<void> {
  for (const path of paths) utimesSync(join(dir, path), 1000, 1000);
  // ctime cannot be set; wait for the file system's clock to move on, as seen by a file of our own.
  const start = Math.max(...paths.map((path) => statSync(join(dir, path)).ctimeMs));
  while (Date.now() < start + 40) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("loadProject() uses the compiled form again, and only while nothing changed", async () => {
  const files = {
    "bootlace.yaml": "name: s\n",
    "services/web/service.yaml": "update: ./u.sh\n",
    "services/web/u.sh": SH,
  };
  const dir = projectOf(files);
  await settled(dir, Object.keys(files));
  const fresh = await loadProject(dir);
  expect(existsSync(join(dir, ".bootlace/cache/compiled.json"))).toBe(true);
  const { params: _none, ...cached } = { params: 0, ...readCache(dir) };
  expect(JSON.parse(JSON.stringify(cached))).toEqual(JSON.parse(JSON.stringify(fresh)));

  // Same size, same mtime: only ctime and inode tell.
  writeFileSync(join(dir, "services/web/u.sh"), SH.replace("hello", "HELLO"));
  utimesSync(join(dir, "services/web/u.sh"), 1000, 1000);
  expect(readCache(dir)).toBeUndefined();
  expect((await loadProject(dir)).project).not.toEqual(fresh.project);

  writeFileSync(join(dir, "services/web/u.sh"), SH);
  await settled(dir, Object.keys(files));
  await loadProject(dir);
  expect(readCache(dir)).toBeDefined();
  writeFileSync(join(dir, "services/web/added.txt"), "");
  expect(readCache(dir), "a file was added").toBeUndefined();
  rmSync(join(dir, "services/web/added.txt"));
  await settled(dir, Object.keys(files));
  await loadProject(dir);
  expect(readCache(dir)).toBeDefined();
  renameSync(join(dir, "services/web"), join(dir, "services/site"));
  expect(readCache(dir), "a service was renamed").toBeUndefined();
});

test("readCache() takes a damaged file for no file", async () => {
  const files = { "bootlace.yaml": "name: s\n", "services/web/service.yaml": "update: echo\n" };
  const dir = projectOf(files);
  await settled(dir, Object.keys(files));
  await loadProject(dir);
  const file = join(dir, ".bootlace/cache/compiled.json");
  writeFileSync(file, readFileSync(file, "utf8").slice(0, -20));
  expect(readCache(dir)).toBeUndefined();
  expect((await loadProject(dir)).project.services).toHaveLength(1);
});

test("showEffective() names the file and line of every value", async () => {
  const dir = projectOf({
    "bootlace.yaml": "name: s\nparams:\n  web: {port: 3}\n",
    "services/base/service.yaml": "params:\n  port: 1\n  host: h\nupdate: echo base\n",
    "services/web/service.yaml": "extends: base\nparams:\n  port: 2\n",
  });
  const lines = (await showEffective(dir, "web", false)).split("\n").map((line) => line.replace(/ {2,}/g, "  "));
  expect(lines).toEqual(
    expect.arrayContaining([
      "# web extends base",
      "services/web/service.yaml:3  params.port: 2",
      'services/base/service.yaml:3  params.host: "h"',
      'services/base/service.yaml:4  update: "echo base"',
      "bootlace.yaml:3  params.port: 3",
    ]),
  );
});

test("loadProject() leaves an optional secret out that has no source, and keeps one that has", async () => {
  const service =
    "secrets: {a: {phases: [update], optional: true}, b: {phases: [update], optional: true}}\nupdate: echo\n";
  const dir = projectOf({
    "bootlace.yaml": 'name: shop\nservices: [web]\nsecrets: {web.a: "file:/etc/a"}\n',
    "services/web/service.yaml": service,
  });
  const { project } = await loadProject(dir);
  expect(project.services[0]?.secrets).toEqual({ a: { phases: ["update"], source: "file:/etc/a" } });
});
