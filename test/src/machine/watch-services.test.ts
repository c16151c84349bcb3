import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { watchServices } from "../../../src/machine/watch-services.ts";
import { projectOf } from "../../support/project.ts";

/** Watches a project; `changed()` is the end of the next act. */
function watching(dir: string) {
  const stop = new AbortController();
  const errors: unknown[] = [];
  let acted = () => {};
  const changed = () =>
    new Promise<void>((resolve) => {
      acted = resolve;
    });
  const ended = watchServices(
    dir,
    stop.signal,
    async () => acted(),
    (error) => errors.push(error),
  );
  return { stop, errors, changed, ended };
}

test("watchServices() sees files in folders that are new, and in those that took another's place", async () => {
  const dir = projectOf({ "services/web/service.yaml": "" });
  const { stop, errors, changed, ended } = watching(dir);
  let next = changed();
  mkdirSync(join(dir, "services/db/lib"), { recursive: true });
  await next;
  next = changed();
  writeFileSync(join(dir, "services/db/lib/a.sh"), "one");
  await next;
  next = changed();
  renameSync(join(dir, "services/db"), join(dir, "services/old"));
  mkdirSync(join(dir, "services/db/lib"), { recursive: true });
  await next;
  next = changed();
  writeFileSync(join(dir, "services/db/lib/a.sh"), "two");
  await next;
  stop.abort("SIGINT");
  await expect(ended).rejects.toMatchObject({ name: "AbortError", cause: "SIGINT" });
  expect(errors).toEqual([]);
});

/** Makes and removes folders as fast as it can, as the desk does in its own folder while a run is under way. */
const CHURN = `const fs = require("node:fs");
for (let at = 0; at < 3000; at++) {
  fs.mkdirSync(process.argv[1] + "/x" + at + "/a/b", { recursive: true });
  fs.rmSync(process.argv[1] + "/x" + at, { recursive: true });
}`;

test.each([".bootlace", "services"])(
  "watchServices() outlives folders that come and go in %s while it looks",
  async (folder) => {
    const dir = projectOf({ "services/web/service.yaml": "", ".bootlace/x": "" });
    const { stop, errors, changed, ended } = watching(dir);
    const busy = spawn(process.execPath, ["-e", CHURN, join(dir, folder)], { stdio: ["ignore", "ignore", "inherit"] });
    expect(await once(busy, "exit")).toEqual([0, null]);
    const next = changed();
    writeFileSync(join(dir, "services/web/service.yaml"), "saved");
    await next;
    stop.abort("SIGINT");
    await expect(ended).rejects.toMatchObject({ name: "AbortError" });
    expect(errors).toEqual([]);
  },
);

test("watchServices() does not act on what the desk itself writes, and ends only when an act in progress has", async () => {
  const dir = projectOf({ "services/web/service.yaml": "", ".bootlace/state": "" });
  const stop = new AbortController();
  const seen: string[] = [];
  const began = new Promise<() => void>((tell) => {
    const act = () =>
      new Promise<void>((resolve) => {
        seen.push("act");
        writeFileSync(join(dir, ".bootlace/state"), "mine");
        tell(() => {
          seen.push("acted");
          resolve();
        });
      });
    const ended = watchServices(dir, stop.signal, act, () => {});
    ended.catch(() => seen.push("ended"));
  });
  writeFileSync(join(dir, "services/web/service.yaml"), "saved");
  const finish = await began;
  stop.abort("SIGINT");
  rmSync(join(dir, "services"), { recursive: true });
  await new Promise(setImmediate);
  finish();
  await new Promise(setImmediate);
  expect(seen).toEqual(["act", "acted", "ended"]);
});
