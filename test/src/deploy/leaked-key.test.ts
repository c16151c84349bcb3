import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import deploy from "../../../src/commands/deploy.ts";
import rollback from "../../../src/commands/rollback.ts";
import { type Pointer, parsePointer } from "../../../src/deploy/pointer.ts";
import { shownTime } from "../../../src/deploy/shown-time.ts";
import { finishRotation, rotateKey } from "../../../src/trust/change-keys.ts";
import { signPointer } from "../../../src/trust/sign-pointer.ts";
import { loadTrust } from "../../../src/trust/trust.ts";
import { useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { startS3 } from "../../support/aws/s3-server.ts";
import { useShop } from "./shop.ts";

const shop = useShop();
useAwsCredentials();
const LAST = 999_999_999_999_999;
const inStore = (path: string): string => join(shop().dir, ".bootlace/store", path);
const standing = (channel = "prod"): Pointer => parsePointer(readFileSync(inStore(`channels/${channel}`), "latin1"));

/** What whoever has the project's key and can write to the folder makes of a channel. */
async function forge(change: Partial<Pointer>, channel = "prod", entry?: string): Promise<void> {
  const { signers } = await loadTrust(shop().dir);
  const pointer = { ...standing(channel), ...change };
  const text = await signPointer(pointer, await signers());
  const name = `${String(pointer.epoch).padStart(8, "0")}.${String(pointer.serial).padStart(15, "0")}`;
  mkdirSync(inStore(`channels/.log/${channel}`), { recursive: true });
  writeFileSync(inStore(`channels/.log/${channel}/${entry ?? name}`), text);
  writeFileSync(inStore(`channels/${channel}`), text);
}

describe("after a leaked key counted to the end, planPublish()", () => {
  test("gets past it by a rotation: the new epoch begins at serial 1", async () => {
    await shop().run(deploy, ["prod"]);
    await forge({ serial: LAST - 1 });
    await rotateKey(shop().dir);
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ serial: LAST, move: "moved" });
    await finishRotation(shop().dir);
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ serial: 1, move: "moved" });
    expect(standing()).toMatchObject({ epoch: 2, serial: 1 });
    shop().write("false");
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ serial: 2 });
  });

  test("tells that no serial is left before anything is written", async () => {
    await shop().run(deploy, ["prod"]);
    await forge({ serial: LAST });
    const before = readFileSync(inStore("channels/prod"), "latin1");
    shop().write("false");
    await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({
      code: "E_SERIAL_END",
      message: "The serials of epoch 1 are used up: finish a rotation",
    });
    expect(readFileSync(inStore("channels/prod"), "latin1")).toBe(before);
  });

  test("takes its created for nothing, says so, and does not let it stand", async () => {
    await shop().run(deploy, ["prod"]);
    const { created } = standing();
    await forge({ serial: 2, created: LAST, expires: LAST });
    expect(await shop().say(rollback, ["channel/prod"], { list: true })).toMatch(/^ {5}2 {2}\? /);
    const done = await shop().run(deploy, ["prod"]);
    expect(done).toMatchObject({ serial: 3, move: "renewed", warnings: [expect.stringContaining("more than a day")] });
    expect(standing().created - created).toBeLessThan(600);
    await rotateKey(shop().dir);
    expect(await shop().say(deploy, ["prod"])).toContain("warning: a pointer that stands or stood in prod");
    expect(standing().created - created).toBeLessThan(600);
  });
});

test("publish() of what parsePointer() would refuse writes nothing", async () => {
  const { planPublish, publish } = await import("../../../src/deploy/publish.ts");
  const { FolderStore } = await import("../../../src/store/folder-store.ts");
  const { keys, epoch } = await loadTrust(shop().dir);
  const blob = { digest: "a".repeat(64), bytes: 1, unpackedBytes: 1 };
  const payload = { bundle: blob, runtimes: {}, blobs: [] };
  const place = { store: new FolderStore(inStore("")), channel: "prod", project: "shop", keys };
  const input = { ...place, payload, epoch, lifetime: 86_400_000, now: Date.now() };
  await expect(
    planPublish({ ...input, payload: { ...payload, bundle: { ...blob, bytes: -1 } } }),
  ).rejects.toMatchObject({ code: "E_POINTER" });
  const file = join(shop().home, "app");
  writeFileSync(file, "app");
  const app = { kind: "artifacts", digest: createHash("sha256").update("app").digest("hex"), bytes: 3 } as const;
  const plan = await planPublish({ ...input, payload: { ...payload, blobs: [{ blob: app, file: async () => file }] } });
  await expect(publish(plan, { sign: async () => "no pointer\n" })).rejects.toMatchObject({ code: "E_POINTER" });
  expect(await place.store.has(app)).toBe(false);
  expect(await place.store.readChannel("prod")).toBeUndefined();
});

test("deploy moves the channel past an old pointer that somebody put back, also when it points to the very bundle", async () => {
  const server = await startS3();
  try {
    const store = `store: s3://${server.bucket}\nregion: ${server.region}\ns3: {endpoint: "${server.url}"}\n`;
    const write = (script: string): void => shop().write(script, store);
    for (const script of ["echo one", "echo two", "echo three"]) {
      write(script);
      await shop().run(deploy, ["prod"]);
    }
    const old = server.objects.get("history/prod/00000001.000000000000001")?.body ?? "";
    server.put("channels/prod", old);
    write("echo one");
    await expect(shop().run(deploy, ["beta"], { from: "prod" })).rejects.toMatchObject({
      code: "E_CHANNEL_OLD",
      message: expect.stringContaining("is at epoch 1, serial 1, and was at epoch 1, serial 2"),
    });
    expect(await shop().run(deploy, ["beta"], { from: "prod", replace: true })).toMatchObject({ move: "moved" });
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "moved", serial: 3 });
  } finally {
    await server.close();
  }
});

test("deploy --from refuses a pointer that expired; --replace insists", async () => {
  await shop().run(deploy, ["beta"]);
  await forge({ serial: 2, expires: standing("beta").created - 1 }, "beta");
  await expect(shop().run(deploy, ["prod"], { from: "beta" })).rejects.toMatchObject({
    code: "E_CHANNEL_OLD",
    message: expect.stringMatching(/^The pointer of channel beta expired at \d{4}-/),
  });
  expect(await shop().run(deploy, ["prod"], { from: "beta", replace: true })).toMatchObject({ move: "moved" });
});

test("rollback goes by what pointers say of themselves, not by names in the history, and names its target", async () => {
  const bundles: unknown[] = [];
  for (const script of ["echo one", "echo two", "echo three"]) {
    shop().write(script);
    bundles.push((await shop().run(deploy, ["prod"])).bundle);
  }
  const log = inStore("channels/.log/prod");
  // The first pointer under names between the second and the third.
  const first = readFileSync(join(log, "00000001.000000000000001"));
  for (const name of ["a", "b"]) writeFileSync(join(log, `00000001.000000000000002.${name}`), first);
  const { history } = await shop().run<{ history: readonly object[] }>(rollback, ["channel/prod"], { list: true });
  expect(history).toMatchObject([{ serial: 3 }, { serial: 2 }, { serial: 1 }]);
  expect(await shop().say(rollback, ["channel/prod"])).toMatch(
    /^Back to what serial 2 of prod, published \d{4}-\d\d-\d\d \d\d:\d\d UTC by \S+, pointed to\n/,
  );
  expect(standing().bundle.digest).toBe(bundles[1]);
});

test("shownTime() shows times that a calendar has, and ? for others", () => {
  expect(shownTime(1795000000)).toBe("2026-11-18 11:06");
  expect([LAST, -LAST, Number.NaN, 8.64e12 + 1].map(shownTime)).toEqual(["?", "?", "?", "?"]);
  expect(shownTime(8.64e12)).toBe("+275760-09-13 00:00");
});
