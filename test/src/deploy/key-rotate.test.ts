import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import deploy from "../../../src/commands/deploy.ts";
import keyRotate from "../../../src/commands/key-rotate.ts";
import rollback from "../../../src/commands/rollback.ts";
import { useShop } from "./shop.ts";

const shop = useShop();
const keys = (): number => readdirSync(join(shop().dir, "trust")).length;
const finish = (channels: readonly string[] = [], options = {}) =>
  shop().run(keyRotate, channels, { finish: true, ...options });
const unseen = (message: string) =>
  expect.objectContaining({ code: "E_KEY_UNSEEN", message: expect.stringContaining(message) });

describe("bootlace key rotate --finish", () => {
  test("refuses until the channel of boot.follow brings the new key", async () => {
    shop().write("echo one", "store: ./store\nboot: {follow: prod}\n");
    await shop().run(deploy, ["prod"]);
    await shop().run(keyRotate, []);
    await expect(finish()).rejects.toEqual(unseen("in channel prod is not signed by the new key"));
    expect(keys()).toBe(2);
    await shop().run(deploy, ["prod"]);
    expect(await finish()).toMatchObject({ dropped: [expect.any(String)] });
    expect(keys()).toBe(1);
  });

  test("refuses where a rollback signed with the new key points to a bundle from before it", async () => {
    await shop().run(deploy, ["prod"]);
    await shop().run(keyRotate, []);
    await shop().run(deploy, ["prod"]);
    await shop().run(rollback, ["channel/prod"]);
    await expect(finish(["prod"])).rejects.toEqual(unseen("does not bring machines the new key"));
    expect(keys()).toBe(2);
  });

  test("looks at each channel that is named, and wants one named where nothing is followed", async () => {
    await shop().run(deploy, ["beta"]);
    await shop().run(keyRotate, []);
    await shop().run(deploy, ["prod"]);
    await expect(finish()).rejects.toEqual(unseen("follows no channel"));
    await expect(finish(["prod", "beta"])).rejects.toEqual(unseen("in channel beta"));
    await expect(finish(["prod", "gamma"])).rejects.toEqual(unseen("Nobody published to channel gamma"));
    expect(keys()).toBe(2);
    await finish(["prod"]);
    expect(keys()).toBe(1);
  });

  test.each<readonly [string, readonly string[], Readonly<Record<string, unknown>>]>([
    ["--kms with --finish", [], { finish: true, kms: "arn:aws:kms:eu-west-1:111122223333:key/1" }],
    ["--force without --finish", [], { force: true }],
    ["--store without --finish", [], { store: "/srv/boot" }],
    ["a channel without --finish", ["prod"], {}],
  ])("refuses %s, which would mean nothing", async (_name, args, options) => {
    if (options.finish) await shop().run(keyRotate, []);
    const before = keys();
    await expect(shop().run(keyRotate, args, options)).rejects.toMatchObject({ code: "E_USAGE" });
    expect(keys()).toBe(before);
  });

  test("--force drops the old key without a look, and says what machines will do", async () => {
    await shop().run(keyRotate, []);
    const said = await shop().say(keyRotate, [], { finish: true, force: true });
    expect(said).toMatch(
      /refuses whatever is published from now on,\n.*last good bundle.*bootlace up, or apply --here on it\n.*all machines/,
    );
    expect(keys()).toBe(1);
    expect(existsSync(join(shop().dir, ".bootlace/store"))).toBe(false);
  });
});

test("bootlace deploy tells what --replace does to machines where the project dropped the key of the pointer", async () => {
  await shop().run(deploy, ["prod"]);
  const old = /^sig (\S+)/m.exec(readFileSync(join(shop().dir, ".bootlace/store/channels/prod"), "latin1"))?.[1];
  await shop().run(keyRotate, []);
  await finish([], { force: true });
  await expect(shop().run(deploy, ["prod"])).rejects.toMatchObject({
    code: "E_POINTER_SIGNATURE",
    hint: expect.stringMatching(
      new RegExp(`drop the key ${old}.*machines that trust that key alone refuse what .*--replace`),
    ),
  });
});
