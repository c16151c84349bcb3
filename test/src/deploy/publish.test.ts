import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packBundle } from "../../../src/bundle/pack.ts";
import { packedPayload } from "../../../src/deploy/payload.ts";
import { planPublish, publish } from "../../../src/deploy/publish.ts";
import { FolderStore } from "../../../src/store/folder-store.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { finishRotation, rotateKey } from "../../../src/trust/change-keys.ts";
import { signPointer, verifyPointer } from "../../../src/trust/sign-pointer.ts";
import { loadTrust } from "../../../src/trust/trust.ts";
import type { Event, Project } from "../../../stage2/index.ts";
import { useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { startS3 } from "../../support/aws/s3-server.ts";
import { useShop } from "./shop.ts";

const shop = useShop();
useAwsCredentials();
const project: Project = { format: 1, name: "shop", roots: [], services: [] };
const DAY = 86_400_000;
const NOW = 1795000000_000;

async function desk(store: Store) {
  const trust = await loadTrust(shop().dir);
  const signers = await trust.signers();
  const plan = async (mark: string, now = NOW, artifacts: readonly string[] = []) => {
    const files = [{ path: `services/${mark}/x`, mode: 0o644, content: { bytes: Buffer.from(mark) } } as const];
    const bundle = await packBundle({ dir: shop().dir, project, files });
    const payload = packedPayload({ bundle, runtimes: [], artifacts: artifacts.map(artifact) });
    const place = { store, channel: "prod", project: "shop", keys: trust.keys };
    return planPublish({ ...place, payload, epoch: trust.epoch, lifetime: 90 * DAY, now });
  };
  const sign = (pointer: Parameters<typeof signPointer>[0]) => signPointer(pointer, signers);
  return { plan, sign, read: async () => verifyPointer((await store.readChannel("prod")) ?? "", trust.keys) };
}

function artifact(text: string) {
  const file = join(shop().home, text);
  writeFileSync(file, text);
  return { digest: createHash("sha256").update(text).digest("hex"), bytes: text.length, file };
}

test("publish() uploads all that a pointer names before it moves, and only what is missing", async () => {
  const folder = join(shop().home, "store");
  const { plan, sign, read } = await desk(new FolderStore(folder));
  const events: Event[] = [];
  const report = (event: Event): void => {
    events.push(event);
    if (event.k === "desk-done" && event.step !== "move") expect(existsSync(join(folder, "channels/prod"))).toBe(false);
  };
  await publish(await plan("a", NOW, ["app", "data"]), { sign, report });
  const sent = events.flatMap((event) => (event.k === "desk-done" ? [event.step.split("/")[0]] : []));
  expect(sent.toSorted()).toEqual(["move", "send artifacts", "send artifacts", "send bundles"]);
  expect(sent.at(-1)).toBe("move");
  expect(await read()).toMatchObject({ serial: 1, created: NOW / 1000, expires: (NOW + 90 * DAY) / 1000 });
  const again = await plan("a", NOW, ["app", "data"]);
  expect({ move: again.move, missing: again.uploads.filter(({ there }) => !there) }).toEqual({
    move: "none",
    missing: [],
  });
});

test("publish() sends several blobs at the same time, and tells how far each is", async () => {
  const server = await startS3();
  try {
    const access = { endpoint: server.url, region: server.region };
    const { plan, sign } = await desk(openStore(`s3://${server.bucket}`, "/", access));
    const events: Event[] = [];
    // Each upload is held until another one has come too; one at a time would wait for ever.
    const held: string[] = [];
    let release = (): void => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    const open = (target: string): Promise<void> => {
      held.push(target);
      if (held.length === 2) release();
      return both;
    };
    server.misbehave({ method: "PUT", key: /^artifacts/, times: 2, fault: { kind: "hold", open } });
    await publish(await plan("a", NOW, ["app", "data"]), { sign, report: (event) => void events.push(event) });
    expect(held).toHaveLength(2);
    const told = events.flatMap((event) => (event.k === "desk-progress" ? [event] : []));
    expect(new Set(told.map(({ step }) => step)).size).toBe(3);
    for (const step of new Set(told.map((event) => event.step))) {
      const last = told.filter((event) => event.step === step).at(-1);
      expect(last).toMatchObject({ done: last?.total, unit: "bytes" });
    }
  } finally {
    await server.close();
  }
});

test("publish() loses to whoever moved the channel after the plan, and says so", async () => {
  const { plan, sign, read } = await desk(new FolderStore(join(shop().home, "store")));
  const [mine, theirs] = [await plan("mine"), await plan("theirs")];
  await publish(theirs, { sign });
  await expect(publish(mine, { sign })).rejects.toMatchObject({ code: "E_CHANNEL_MOVED" });
  expect((await read()).bundle.digest).toBe(theirs.next.bundle.digest);
});

test("planPublish() renews a pointer of which less than half its life is left, and no other", async () => {
  const { plan, sign, read } = await desk(new FolderStore(join(shop().home, "store")));
  await publish(await plan("a"), { sign });
  expect((await plan("a", NOW + 44 * DAY)).move).toBe("none");
  const renewal = await plan("a", NOW + 46 * DAY);
  expect(renewal).toMatchObject({ move: "renewed", next: { serial: 2, expires: (NOW + 136 * DAY) / 1000 } });
  await publish(renewal, { sign });
  expect(await read()).toMatchObject({ serial: 2 });
});

test("planPublish() renews a pointer that not every key of the project signed, or that is of an earlier epoch", async () => {
  const store = new FolderStore(join(shop().home, "store"));
  const payload = { bundle: { digest: "a".repeat(64), bytes: 1, unpackedBytes: 1 }, runtimes: {}, blobs: [] };
  const deploy = async () => {
    const trust = await loadTrust(shop().dir);
    const place = { store, channel: "prod", project: "shop", keys: trust.keys };
    const plan = await planPublish({ ...place, payload, epoch: trust.epoch, lifetime: 90 * DAY, now: NOW });
    const signers = await trust.signers();
    await publish(plan, { sign: (pointer) => signPointer(pointer, signers) });
    return [plan.move, plan.next.epoch, plan.next.serial];
  };
  expect(await deploy()).toEqual(["moved", 1, 1]);
  await rotateKey(shop().dir);
  // The new key has signed nothing yet; the old one's signature is what is believed.
  expect(await deploy()).toEqual(["renewed", 1, 2]);
  expect(await deploy()).toEqual(["none", 1, 3]);
  await finishRotation(shop().dir);
  expect(await deploy()).toEqual(["renewed", 2, 1]);
  expect(await deploy()).toEqual(["none", 2, 2]);
});

test("planPublish() never goes back in time where a desk's clock is behind", async () => {
  const { plan, sign } = await desk(new FolderStore(join(shop().home, "store")));
  await publish(await plan("a"), { sign });
  expect((await plan("b", NOW - DAY / 2)).next).toMatchObject({ created: NOW / 1000, serial: 2 });
});

test("planPublish() numbers on from the history when an old pointer was put back into the channel", async () => {
  const server = await startS3();
  try {
    const access = { endpoint: server.url, region: server.region };
    const { plan, sign } = await desk(openStore(`s3://${server.bucket}`, "/", access));
    for (const mark of ["a", "b", "c"]) await publish(await plan(mark), { sign });
    server.put("channels/prod", server.objects.get("history/prod/00000001.000000000000001")?.body ?? "");
    expect((await plan("d")).next.serial).toBe(3);
    server.delete("channels/prod");
    expect(await plan("d")).toMatchObject({ move: "moved", next: { serial: 3 } });
    server.put("history/prod/00000001.000000000000003", "lost and found");
    expect((await plan("d")).next.serial).toBe(3);
  } finally {
    await server.close();
  }
});

test("publish() stops before the move when it is interrupted, and sends nothing more", async () => {
  const folder = join(shop().home, "store");
  const { plan, sign } = await desk(new FolderStore(folder));
  const abort = new AbortController();
  const report = (event: Event): void => {
    if (event.k === "desk-start") abort.abort();
  };
  await expect(publish(await plan("a"), { sign, report, signal: abort.signal })).rejects.toMatchObject({
    name: "AbortError",
  });
  expect(existsSync(join(folder, "channels/prod"))).toBe(false);
});

test("publish() by N desks that try again loses no move: serials 1 to N all stand in the history", async () => {
  const server = await startS3();
  try {
    const access = { endpoint: server.url, region: server.region };
    const store = openStore(`s3://${server.bucket}`, "/", access);
    const desks = 6;
    await Promise.all(
      Array.from({ length: desks }, async (_, at) => {
        const { plan, sign } = await desk(openStore(`s3://${server.bucket}`, "/", access));
        for (;;) {
          try {
            return await publish(await plan(`desk${at}`), { sign });
          } catch (error) {
            expect(error).toMatchObject({ code: "E_CHANNEL_MOVED" });
          }
        }
      }),
    );
    const { keys } = await loadTrust(shop().dir);
    const serials = (await store.history("prod")).map((text) => verifyPointer(text, keys).serial);
    expect(serials).toEqual(Array.from({ length: desks }, (_, at) => desks - at));
  } finally {
    await server.close();
  }
});
