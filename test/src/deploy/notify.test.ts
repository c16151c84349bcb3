import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import deploy from "../../../src/commands/deploy.ts";
import { announce } from "../../../src/deploy/announce.ts";
import { collectResults } from "../../../src/deploy/collect-results.ts";
import { FolderStore } from "../../../src/store/folder-store.ts";
import type { Event } from "../../../stage2/index.ts";
import { useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { type SnsServer, startSns } from "../../support/aws/sns-server.ts";
import { useShop } from "./shop.ts";

const shop = useShop();
useAwsCredentials();
let sns: SnsServer;
let folder: string;
beforeEach(async () => {
  sns = await startSns();
  process.env.AWS_ENDPOINT_URL_SNS = sns.url;
  folder = mkdtempSync(join(tmpdir(), "bootlace-results-"));
});
afterEach(async () => {
  delete process.env.AWS_ENDPOINT_URL_SNS;
  await sns.close();
  rmSync(folder, { recursive: true });
});

test("deploy --notify tells the topic after the channel has moved; nothing is told of a plan, or without a topic", async () => {
  await expect(shop().run(deploy, ["stable"], { notify: true })).rejects.toMatchObject({ code: "E_NOTIFY" });
  shop().write("true", `notify: {topic: "${sns.topic}"}\n`);
  await shop().run(deploy, ["stable"], { notify: true, plan: true });
  expect(sns.calls).toEqual([]);
  const told = await shop().run(deploy, ["stable"], { notify: true });
  expect(told).toMatchObject({ serial: 1, deployment: expect.stringMatching(/^\d{8}t\d{6}-[0-9a-f]{8}$/) });
  expect(sns.calls).toEqual(["Publish"]);
  expect(await shop().say(deploy, ["stable"], { notify: true, wait: true })).toContain("no machine listens to it");
});

test("announce() waits for the machines of this project that follow this channel, whoever else listens to the topic", async () => {
  const own = ["shop/stable/i-1", "shop/stable/i-2", "shop/next/i-3", "other/stable/i-4", "i-5"];
  for (const [at, path] of own.entries())
    sns.subscriptions.push({
      arn: `${sns.topic}:${at}`,
      endpoint: `http://192.0.2.1/bootlace/${path}`,
      confirmed: true,
    });
  const place = { store: new FolderStore(folder), project: "shop", channel: "stable" };
  const { machines } = await announce({ ...place, notify: { topic: sns.topic, services: [] }, wait: true });
  expect(machines).toEqual(["i-1", "i-2"]);
});

test("collectResults() names who failed, who is late and who wrote rubbish, and believes nobody who was not asked", async () => {
  const write = (machine: string, text: string) => writeFileSync(join(folder, "results/d1", `${machine}.json`), text);
  mkdirSync(join(folder, "results/d1"), { recursive: true });
  write("i-1", JSON.stringify({ exit: 0, bundle: "b57", notHere: ["web"], failed: [], said: "" }));
  write("i-2", JSON.stringify({ exit: 1, failed: ["web.update"], said: "no disk\u001b[31m\n" }));
  write("i-3", "{");
  write("i-9", JSON.stringify({ exit: 0 }));
  const events: Event[] = [];
  const { results, failure } = await collectResults({
    store: new FolderStore(folder),
    deployment: "d1",
    machines: ["i-1", "i-2", "i-3", "i-4"],
    bundle: "b57",
    timeout: 0,
    report: (event) => void events.push(event),
    signal: new AbortController().signal,
  });
  expect(results.map(({ machine, exit }) => [machine, exit])).toEqual([
    ["i-1", 0],
    ["i-2", 1],
    ["i-3", 1],
  ]);
  expect(failure).toMatchObject({ code: "E_NOTIFY_FAILED", hint: "i-2 said: no disk?[31m" });
  expect(failure?.message).toContain("i-2 (failed: web.update), i-3 (exit 1), i-4 (no result after 0 s)");
  expect(events.filter(({ k }) => k === "desk-done")).toMatchObject([{ detail: "not here: web" }]);
});

test("collectResults() names machines that stayed behind: their run was well, of another bundle", async () => {
  mkdirSync(join(folder, "results/d1"), { recursive: true });
  const write = (machine: string, bundle?: string) =>
    writeFileSync(
      join(folder, `results/d1/${machine}.json`),
      JSON.stringify({ exit: 0, bundle, said: "out of reach" }),
    );
  write("i-1", "b57");
  write("i-2", "b56");
  write("i-3");
  const { failure } = await collectResults({
    store: new FolderStore(folder),
    deployment: "d1",
    machines: ["i-1", "i-2", "i-3"],
    bundle: "b57",
    timeout: 0,
    report: () => {},
    signal: new AbortController().signal,
  });
  expect(failure).toMatchObject({ code: "E_NOTIFY_FAILED", hint: "i-2 said: out of reach" });
  expect(failure?.message).toContain(
    ": i-2 (stayed behind: it runs bundle b56, not b57), i-3 (stayed behind: it runs bundle unknown, not b57)",
  );
});

test("collectResults() says how a machine that is gone is forgotten", async () => {
  const { failure } = await collectResults({
    store: new FolderStore(folder),
    deployment: "d1",
    machines: ["i-7"],
    bundle: "b57",
    timeout: 0,
    report: () => {},
    signal: new AbortController().signal,
  });
  expect(failure?.hint).toMatch(/^If i-7 is gone, .*aws sns unsubscribe/);
});
