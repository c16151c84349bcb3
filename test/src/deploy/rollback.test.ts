import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import deploy from "../../../src/commands/deploy.ts";
import rollback from "../../../src/commands/rollback.ts";
import { signPointer, verifyPointer } from "../../../src/trust/sign-pointer.ts";
import { loadTrust } from "../../../src/trust/trust.ts";
import { useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { startS3 } from "../../support/aws/s3-server.ts";
import { useShop } from "./shop.ts";

const shop = useShop();
useAwsCredentials();
const inStore = (path: string): string => join(shop().dir, ".bootlace/store", path);

async function publish(...scripts: readonly string[]): Promise<readonly unknown[]> {
  const bundles: unknown[] = [];
  for (const script of scripts) {
    shop().write(script);
    bundles.push((await shop().run(deploy, ["prod"])).bundle);
  }
  return bundles;
}

describe("bootlace rollback", () => {
  test("points the channel to the bundle before, under a new serial", async () => {
    const [one] = await publish("echo one", "echo two");
    expect(await shop().run(rollback, ["channel/prod"], { plan: true })).toMatchObject({ bundle: one, planned: true });
    expect(await shop().run(rollback, ["channel/prod"])).toMatchObject({
      bundle: one,
      serial: 3,
      to: 1,
      move: "moved",
    });
    expect(readdirSync(inStore("channels/.log/prod"))).toHaveLength(3);
  });

  test("goes back, lists and promotes also in a tree whose services are broken", async () => {
    const [one] = await publish("echo one", "echo two");
    writeFileSync(join(shop().dir, "services/web/service.yaml"), "requiers: [x]\n");
    expect(await shop().run(rollback, ["channel/prod"], { list: true })).toMatchObject({ history: [{}, {}] });
    expect(await shop().run(deploy, ["beta"], { from: "prod" })).toMatchObject({ from: "prod", serial: 1 });
    expect(await shop().run(rollback, ["channel/prod"])).toMatchObject({ bundle: one });
    await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({ code: "E_CHECK" });
  });

  test("goes past a renewal, which points to the same bundle", async () => {
    const [one] = await publish("echo one");
    shop().write("echo two", "boot: {lifetime: 1h}\n");
    await shop().run(deploy, ["prod"]);
    shop().write("echo two");
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ move: "renewed", serial: 3 });
    expect(await shop().run(rollback, ["channel/prod"])).toMatchObject({ bundle: one, to: 1 });
  });

  test("--to goes back to what any serial pointed to", async () => {
    const [one, two] = await publish("echo one", "echo two", "echo three", "echo four");
    expect(await shop().run(rollback, ["channel/prod"], { to: 2 })).toMatchObject({ bundle: two, serial: 5 });
    expect(await shop().run(rollback, ["channel/prod"], { to: 1 })).toMatchObject({ bundle: one, serial: 6 });
    await expect(shop().run(rollback, ["channel/prod"], { to: 9 })).rejects.toMatchObject({
      code: "E_ROLLBACK",
      message: expect.stringContaining("never had serial 9"),
    });
  });

  test("--list shows every pointer, the newest first, and which one stands", async () => {
    const [one, two] = await publish("echo one", "echo two");
    await shop().run(rollback, ["channel/prod"]);
    const { history } = await shop().run<{ history: readonly object[] }>(rollback, ["channel/prod"], { list: true });
    expect(history).toMatchObject([
      { serial: 3, bundle: one, current: true, signed: true },
      { serial: 2, bundle: two, current: false, signed: true },
      { serial: 1, bundle: one, current: false, signed: true },
    ]);
    const text = await shop().say(rollback, ["channel/prod"], { list: true });
    expect(text).toMatch(
      /^ {5}3 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}[0-9a-f]{12} {2}\S+@\S+ +current\n {5}2 .*\n {5}1 .*\n$/,
    );
    expect(await shop().say(rollback, ["channel/beta"], { list: true })).toContain("Nobody published to channel beta");
  });

  test("refuses when the bundle is gone from the store, and moves nothing", async () => {
    const [one] = await publish("echo one", "echo two");
    rmSync(inStore(`bundles/${one}.tar.gz`));
    await expect(shop().run(rollback, ["channel/prod"])).rejects.toMatchObject({
      code: "E_BLOB_GONE",
      message: expect.stringContaining(`${one}`),
    });
    expect(readdirSync(inStore("channels/.log/prod"))).toHaveLength(2);
  });

  test("goes back to nothing that the project did not sign", async () => {
    const [one] = await publish("echo one", "echo two", "echo three");
    const entry = inStore("channels/.log/prod/00000001.000000000000002");
    writeFileSync(entry, readFileSync(entry, "latin1").replace(/by=.*/, "by=mallory@x"));
    await expect(shop().run(rollback, ["channel/prod"], { to: 2 })).rejects.toMatchObject({
      code: "E_ROLLBACK",
      message: expect.stringContaining("signed by no key"),
    });
    expect(await shop().say(rollback, ["channel/prod"], { list: true })).toContain(
      "not signed by a key of this project",
    );
    expect(await shop().run(rollback, ["channel/prod"])).toMatchObject({ bundle: one, to: 1 });
  });

  test("says what is missing in a channel with one bundle, or none, or a wrong word", async () => {
    await expect(shop().run(rollback, ["channel/prod"])).rejects.toMatchObject({ code: "E_ROLLBACK" });
    await publish("echo one");
    await expect(shop().run(rollback, ["channel/prod"])).rejects.toMatchObject({ code: "E_ROLLBACK" });
    await expect(shop().run(rollback, ["prod"])).rejects.toMatchObject({
      code: "E_USAGE",
      hint: expect.stringContaining("bootlace rollback channel/prod"),
    });
    await expect(shop().run(rollback, ["channel/../x"])).rejects.toMatchObject({ code: "E_CHANNEL_NAME" });
  });
});

test("bootlace rollback reads the newest twenty of a long history alone; --list shows fifty, --all everything", async () => {
  const server = await startS3();
  try {
    const more = `store: s3://${server.bucket}\nregion: ${server.region}\ns3: {endpoint: "${server.url}"}\n`;
    shop().write("echo one", more);
    await shop().run(deploy, ["prod"]);
    const { keys, signers } = await loadTrust(shop().dir);
    const first = verifyPointer(server.objects.get("channels/prod")?.body.toString("latin1") ?? "", keys);
    for (let serial = 1; serial <= 60; serial += 1) {
      const text = await signPointer({ ...first, serial }, await signers());
      server.put(`history/prod/00000001.${String(serial).padStart(15, "0")}`, text);
      if (serial === 60) server.put("channels/prod", text);
    }
    shop().write("echo two", more);
    expect(await shop().run(deploy, ["prod"])).toMatchObject({ serial: 61 });
    server.requests.length = 0;
    expect(await shop().run(rollback, ["channel/prod"], { plan: true })).toMatchObject({ to: 60, serial: 62 });
    const read = new Set(server.requests.map(({ key }) => key).filter((key) => key.startsWith("history/")));
    expect(read.size).toBeLessThanOrEqual(20);
    expect(await shop().run(rollback, ["channel/prod"], { to: 3, plan: true })).toMatchObject({ to: 3 });
    // Names in a store are signed by nobody: an old one under a new name is no newer for it.
    const third = server.objects.get("history/prod/00000001.000000000000003")?.body ?? "";
    server.put("history/prod/00000001.000000000000060.forged", third);
    expect(await shop().run(rollback, ["channel/prod"], { plan: true })).toMatchObject({ to: 60 });
    server.delete("history/prod/00000001.000000000000060.forged");
    const list = (options = {}) =>
      shop().run<{ history: readonly object[]; older: number }>(rollback, ["channel/prod"], { list: true, ...options });
    const newest = await list();
    expect([newest.history.length, newest.older, newest.history[0]]).toEqual([
      50,
      11,
      expect.objectContaining({ serial: 61 }),
    ]);
    expect((await list({ all: true })).history).toHaveLength(61);
    expect(await shop().say(rollback, ["channel/prod"], { list: true })).toMatch(/\nand 11 older: --all\n$/);
  } finally {
    await server.close();
  }
});
