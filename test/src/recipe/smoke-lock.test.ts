import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { lockSmoke } from "../../../src/recipe/build/smoke-lock.ts";
import type { Event } from "../../../stage2/index.ts";

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-smoke-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
const signal = new AbortController().signal;

test("lockSmoke() waits for another smoke test of the project and says for which", async () => {
  const dir = folder();
  const order: string[] = [];
  const first = await lockSmoke(dir, "image a", { signal, report: () => {} });
  let waits: (event: Event) => void = () => {};
  const waiting = new Promise<Event>((resolve) => {
    waits = resolve;
  });
  const second = lockSmoke(dir, "image b", {
    signal,
    report: (event) => {
      order.push(event.k);
      waits(event);
    },
  });
  expect(await waiting).toMatchObject({
    k: "desk-start",
    of: "image b",
    detail: `image a, process ${process.pid}`,
  });
  order.push("first ends");
  first.release();
  (await second).release();
  expect(order).toEqual(["desk-start", "first ends", "desk-done"]);
});

test("lockSmoke() ends its wait when it is interrupted, and leaves the lock to the next", async () => {
  const dir = folder();
  const first = await lockSmoke(dir, "image a", { signal, report: () => {} });
  const abort = new AbortController();
  const waiting = lockSmoke(dir, "image b", { signal: abort.signal, report: () => abort.abort("SIGINT") });
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  first.release();
  (await lockSmoke(dir, "image c", { signal, report: () => {} })).release();
});

test("lockSmoke() of a desk that was killed is free again", async () => {
  const dir = folder();
  const outfile = join(dir, "desk.mjs");
  await build({
    stdin: {
      contents: `import { lockSmoke } from "./smoke-lock.ts";
        await lockSmoke(process.argv[2], "image a", { signal: new AbortController().signal, report() {} });
        console.log("held");
        setInterval(() => {}, 1000);`,
      resolveDir: fileURLToPath(new URL("../../../src/recipe/build", import.meta.url)),
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
  });
  const desk = spawn(process.execPath, [outfile, dir], { stdio: ["ignore", "pipe", "inherit"] });
  await once(desk.stdout, "data");
  const seen: string[] = [];
  const next = lockSmoke(dir, "image b", {
    signal,
    report: (event) => {
      seen.push(event.k);
      if (event.k === "desk-start") desk.kill("SIGKILL");
    },
  });
  (await next).release();
  expect(seen).toEqual(["desk-start", "desk-done"]);
});
