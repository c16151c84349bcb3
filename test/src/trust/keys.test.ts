import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packBundle } from "../../../src/bundle/pack.ts";
import type { Pointer } from "../../../src/deploy/pointer.ts";
import { finishRotation, newKey, rotateKey } from "../../../src/trust/change-keys.ts";
import { keysFolder } from "../../../src/trust/private-keys.ts";
import { signPointer, verifyPointer } from "../../../src/trust/sign-pointer.ts";
import { loadTrust } from "../../../src/trust/trust.ts";
import { TestKey } from "../../support/stage1-rig.ts";

let home: string;
let dir: string;
const before = process.env.BOOTLACE_KEYS;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bootlace-keys-"));
  dir = join(home, "shop");
  process.env.BOOTLACE_KEYS = join(home, "keys");
});
afterEach(() => {
  if (before === undefined) delete process.env.BOOTLACE_KEYS;
  else process.env.BOOTLACE_KEYS = before;
  rmSync(home, { recursive: true, force: true });
});

const blob = { digest: "a".repeat(64), bytes: 10, unpackedBytes: 10240 };
const pointer = (more: Partial<Pointer> = {}): Pointer => ({
  project: "shop",
  channel: "prod",
  epoch: 1,
  serial: 57,
  created: 1795000000,
  bundle: blob,
  runtimes: {},
  ...more,
});
const code = (code: string, message = "") =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });
const secretFile = (id: string): string => join(home, "keys", `${id}.pem`);

describe("newKey()", () => {
  test("puts the public half into trust/, the private half into a file of its owner alone", async () => {
    const { key, file, held } = await newKey(dir);
    expect(readdirSync(join(dir, "trust"))).toEqual([`${key.id}.pem`]);
    expect(readFileSync(file, "utf8")).toMatch(/^bootlace-key 1\nepochs=1-1\n-----BEGIN PUBLIC KEY-----\n/);
    expect(held).toBe(secretFile(key.id));
    expect(statSync(held).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, "keys")).mode & 0o777).toBe(0o700);
    expect(readFileSync(file, "utf8")).not.toContain("PRIVATE");
  });

  test("makes one for a later epoch where an earlier key was lost", async () => {
    const { file } = await newKey(dir, undefined, 5);
    expect(readFileSync(file, "utf8")).toContain("\nepochs=5-5\n");
    expect((await loadTrust(dir)).epoch).toBe(5);
  });

  test("makes no second one", async () => {
    await newKey(dir);
    await expect(newKey(dir)).rejects.toThrow(code("E_KEY_EXISTS", "The project has a key"));
  });
});

describe("signPointer()", () => {
  test("signs what verifyPointer() takes, and nothing that was changed after", async () => {
    await newKey(dir);
    const { keys, signers } = await loadTrust(dir);
    const text = await signPointer(pointer(), await signers());
    expect(verifyPointer(text, keys)).toEqual(pointer());
    expect(() => verifyPointer(text.replace("serial=57", "serial=58"), keys)).toThrow(
      code("E_POINTER_SIGNATURE", "was changed after"),
    );
    expect(() => verifyPointer(text.replace(/^sig .*\n/m, ""), keys)).toThrow(code("E_POINTER_SIGNATURE", "nobody"));
    expect(() => verifyPointer(text, [])).toThrow(code("E_POINTER_SIGNATURE"));
  });

  test.each([
    ["a fifth signature", (text: string) => text.replace("\n\n", `${"\nsig k1 QUJD".repeat(4)}\n\n`), "E_POINTER"],
    ["a third word", (text: string) => text.replace(/^(sig .*)$/m, "$1 x"), "E_POINTER"],
    ["rubbish in the base64", (text: string) => text.replace(/^(sig \S+ \S{10})/m, "$1!"), "E_POINTER_SIGNATURE"],
  ])("is not taken by verifyPointer() with %s, which machines refuse", async (_name, change, why) => {
    await newKey(dir);
    const { keys, signers } = await loadTrust(dir);
    const text = await signPointer(pointer(), await signers());
    expect(() => verifyPointer(change(text), keys)).toThrow(code(why));
  });

  test("cannot sign for an epoch that the key's trust file does not name", async () => {
    await newKey(dir);
    const { keys, signers } = await loadTrust(dir);
    const text = await signPointer(pointer({ epoch: 2 }), await signers());
    expect(() => verifyPointer(text, keys)).toThrow(code("E_POINTER_SIGNATURE", "is of epoch 2"));
  });

  test("needs a key, its private half, and that nobody else may read it", async () => {
    await expect((await loadTrust(dir)).signers()).rejects.toThrow(code("E_NO_KEY"));
    const { key, held } = await newKey(dir);
    chmodSync(held, 0o640);
    await expect((await loadTrust(dir)).signers()).rejects.toThrow(code("E_KEY_FILE", "has mode 640"));
    chmodSync(held, 0o600);
    writeFileSync(held, "rubbish");
    await expect((await loadTrust(dir)).signers()).rejects.toThrow(code("E_KEY_FILE", "holds no private key"));
    rmSync(held);
    await expect((await loadTrust(dir)).signers()).rejects.toThrow(code("E_KEY_MISSING", key.id));
  });
});

test("keysFolder() tells a user without a home what to set", () => {
  const homeless = (): string => {
    throw new Error("A system error occurred: uv_os_homedir returned ENOENT (no such file or directory)");
  };
  expect(() => keysFolder({}, homeless)).toThrow(code("E_KEY_MISSING", "no home folder"));
  expect(keysFolder({ BOOTLACE_KEYS: "/keys" }, homeless)).toBe("/keys");
  expect(keysFolder({ XDG_CONFIG_HOME: "/config" }, homeless)).toBe("/config/bootlace/keys");
});

describe("rotateKey()", () => {
  test("lets both keys sign, and finishRotation() leaves the new one, in the next epoch", async () => {
    const { key: old } = await newKey(dir);
    const { key: fresh } = await rotateKey(dir);
    const during = await loadTrust(dir);
    expect({ epoch: during.epoch, ids: during.keys.map(({ id }) => id) }).toEqual({
      epoch: 1,
      ids: [old.id, fresh.id],
    });
    const both = await signPointer(pointer(), await during.signers());
    for (const key of [old, fresh]) expect(verifyPointer(both, [key]).serial).toBe(57);
    expect((await finishRotation(dir)).map(({ id }) => id)).toEqual([old.id]);
    const after = await loadTrust(dir);
    expect({ epoch: after.epoch, ids: after.keys.map(({ id }) => id) }).toEqual({ epoch: 2, ids: [fresh.id] });
    const { key: third } = await rotateKey(dir);
    expect([third.from, third.to]).toEqual([2, 3]);
  });

  test("wants a key to begin with, one change at a time, and a newer key to end with", async () => {
    await expect(rotateKey(dir)).rejects.toThrow(code("E_NO_KEY"));
    await newKey(dir);
    await expect(finishRotation(dir)).rejects.toThrow(code("E_NO_KEY", "no newer key"));
    const { keys } = await loadTrust(dir);
    const file = secretFile(keys[0]?.id ?? "");
    const secret = readFileSync(file);
    // A key that the old one cannot vouch for would reach no machine.
    rmSync(file);
    await expect(rotateKey(dir)).rejects.toThrow(code("E_KEY_MISSING"));
    expect((await loadTrust(dir)).keys).toHaveLength(1);
    writeFileSync(file, secret, { mode: 0o600 });
    await rotateKey(dir);
    await expect(rotateKey(dir)).rejects.toThrow(code("E_KEY_EXISTS", "changing already"));
  });
});

describe("loadTrust()", () => {
  const trust = (name: string, text: string): void => {
    writeFileSync(join(dir, "trust", name), text);
  };
  test.each([
    ["no first line", (key: TestKey) => key.trustFile.replace("bootlace-key 1\n", ""), "the first line is"],
    ["no epochs", (key: TestKey) => key.trustFile.replace("epochs=1-1", "epochs=soon"), "is no range"],
    ["epochs that end before they begin", () => new TestKey(3, 2).trustFile, "is no range"],
    ["another name than its key's", () => new TestKey().trustFile, "expected the name"],
    ["no key", (key: TestKey) => key.trustFile.slice(0, 60), "no public key"],
  ])("refuses a trust file with %s", async (_name, text, why) => {
    await newKey(dir);
    const key = new TestKey();
    trust(`${key.id}.pem`, text(key));
    await expect(loadTrust(dir)).rejects.toThrow(code("E_TRUST_FILE", why));
  });

  test("refuses a key that could never sign beside the oldest one", async () => {
    await newKey(dir);
    const key = new TestKey(2, 3);
    trust(`${key.id}.pem`, key.trustFile);
    await expect(loadTrust(dir)).rejects.toThrow(code("E_TRUST_FILE", "is for epochs 2-3"));
  });
});

test("packBundle() brings public keys along and refuses a file with the private one", async () => {
  const { key, held } = await newKey(dir);
  const project = { format: 1, name: "shop", roots: [], services: [] } as const;
  const file = (content: string) =>
    ({ path: "services/web/config", mode: 0o644, content: { bytes: Buffer.from(content) } }) as const;
  const keyless = await packBundle({ dir: join(home, "other"), project, files: [file("")] });
  const bundle = await packBundle({ dir, project, files: [file("")] });
  expect(bundle.digest).not.toBe(keyless.digest);
  const leak = `key: |\n  ${readFileSync(held, "utf8").split("\n")[1]}\n`;
  await expect(packBundle({ dir, project, files: [file("x"), file(leak)] })).rejects.toThrow(
    code("E_KEY_IN_BUNDLE", `services/web/config holds the private key ${key.id}`),
  );
});
