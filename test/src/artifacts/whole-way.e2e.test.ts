import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { artifactFile } from "../../../src/artifacts/artifact-file.ts";
import { planLock, updateLock } from "../../../src/artifacts/update-lock.ts";
import { packBundle } from "../../../src/bundle/pack.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { ownCache } from "../../support/cache-folder.ts";
import { serveHttps } from "../../support/https-files.ts";
import { projectOf } from "../../support/project.ts";
import { Stage1Rig } from "../../support/stage1-rig.ts";

let rig: Stage1Rig;
beforeEach(() => {
  rig = new Stage1Rig();
});
afterEach(() => rig.dispose());

test("artifacts over https and of a git commit are locked, published, fetched by a machine and put in their places", async () => {
  const server = await serveHttps(ownCache());
  server.files.set("/tool", Buffer.from("#!/bin/sh\necho tool\n"));
  const repository = join(rig.home, "site");
  mkdirSync(repository);
  writeFileSync(join(repository, "index.html"), "<p>one\n");
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  const git = (...argv: string[]): string =>
    execFileSync("git", [...identity, ...argv], { cwd: repository, encoding: "utf8", stdio: "pipe" }).trim();
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "one");
  const place = join(rig.home, "place");
  const dir = projectOf({
    "bootlace.yaml": "name: shop\nservices: [web]\n",
    "services/web/service.yaml": `artifacts:
  tool: {from: "${server.url}/tool", to: ${place}/bin/tool, mode: "0755"}
  site: {from: "file://${repository}", commit: ${git("rev-parse", "HEAD")}, to: ${place}/site, user: nobody}
init: ${place}/bin/tool >${place}/said
`,
  });
  await updateLock(await planLock(dir, [], false));
  const loaded = await loadProject(dir);
  const bundle = await packBundle(loaded);
  copyFileSync(bundle.file, join(rig.store, "bundles", `${bundle.digest}.tar.gz`));
  for (const one of loaded.artifacts) copyFileSync(await artifactFile(one), join(rig.store, "artifacts", one.digest));
  expect(server.asked).toEqual(["GET /tool"]);
  rig.point(bundle);
  const { code, stderr } = await rig.run();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(join(place, "said"), "utf8")).toBe("tool\n");
  expect(readFileSync(join(place, "site/index.html"), "utf8")).toBe("<p>one\n");
  expect([statSync(join(place, "site")).uid, statSync(join(place, "site/index.html")).uid]).toEqual([65534, 65534]);
});
