import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureDebianPackages } from "../support/debian.ts";
import { SHELLS, Stage1Rig, TestKey } from "../support/stage1-rig.ts";

let rig: Stage1Rig;
beforeEach(() => {
  rig = new Stage1Rig();
});
afterEach(() => rig.dispose());
beforeAll(() => ensureDebianPackages(["openssl", ...SHELLS.map((shell) => shell.package)]));

/** Ends well with the bundle that came up before, and says why. */
async function goesOn(mark: string, why: RegExp, shell?: readonly string[]): Promise<void> {
  const { code, stderr } = await rig.run(shell);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(why) });
  expect(rig.ran().at(-1)).toMatchObject({ mark, degraded: expect.stringMatching(why) });
  expect(readFileSync(join(rig.state, "degraded"), "utf8")).toMatch(why);
}

async function boots(mark: string, shell?: readonly string[]): Promise<void> {
  const { code, stderr } = await rig.run(shell);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(rig.ran().at(-1)).toMatchObject({ mark, degraded: "" });
  expect(existsSync(join(rig.state, "degraded"))).toBe(false);
}

/** The attacks that The Update Framework lists (TUF specification 1.0, 1.5.2), as somebody who owns the store can try them. */
describe("stage1 under attack", () => {
  test.each(SHELLS)("arbitrary software, under $name: takes no bundle that no trusted key signed", async ({ argv }) => {
    rig.point(rig.putBundle("ours"));
    await boots("ours");
    rig.point(rig.putBundle("theirs"), {}, []);
    await goesOn("ours", /no key that this machine trusts has signed it \(signed by nobody/, argv);
    rig.point(rig.putBundle("theirs"), {}, [new TestKey(1, 9)]);
    await goesOn("ours", /no key that this machine trusts has signed it \(signed by [0-9a-f]{16};/, argv);
    expect(rig.marks()).not.toContain("theirs");
  });

  test("arbitrary software: a blob that was swapped behind a good pointer is never unpacked", async () => {
    rig.point(rig.putBundle("ours"));
    await boots("ours");
    const theirs = rig.putBundle("theirs");
    const next = rig.putBundle("next");
    const blob = (digest: string) => join(rig.store, "bundles", `${digest}.tar.gz`);
    writeFileSync(blob(next.digest), readFileSync(blob(theirs.digest)));
    rig.point(next);
    await goesOn("ours", /is damaged/);
    expect(readdirSync(join(rig.state, "bundles"))).toHaveLength(1);
  });

  test("wrong key: a pointer that was changed after it was signed is refused, whatever was changed", async () => {
    rig.point(rig.putBundle("ours"));
    await boots("ours");
    const text = rig.point(rig.putBundle("next"));
    const changes = [
      text.replace("serial=2", "serial=3"),
      text.replace(/bundle=./, (found) => `bundle=${found.endsWith("0") ? "1" : "0"}`),
      `${text}colour=blue\n`,
      text.replace(/^sig (\S+) \S+$/m, (_all, id) => `sig ${id} ${Buffer.alloc(64).toString("base64")}`),
      text.replace(/^sig (\S+) \S+$/m, "sig $1 !!!!"),
      text.slice(0, -1),
    ];
    for (const change of changes) {
      rig.pointText(change);
      await goesOn("ours", /its signature by key [0-9a-f]{16} does not fit what it says/);
    }
    rig.pointText(text);
    await boots("next");
  });

  test("wrong key: another key's signature under a trusted key's name is refused", async () => {
    const text = rig.point(rig.putBundle("theirs"), {}, [new TestKey()]);
    rig.pointText(text.replace(/^sig \S+/m, `sig ${rig.key.id}`));
    expect(await rig.run()).toMatchObject({ code: 4, stderr: expect.stringContaining("does not fit what it says") });
  });

  test.each(SHELLS)("rollback, under $name: an old pointer with its good signature is refused", async ({ argv }) => {
    const old = rig.point(rig.putBundle("old"));
    await boots("old");
    rig.point(rig.putBundle("new"));
    await boots("new");
    rig.pointText(old);
    await goesOn("new", /goes back to epoch 1 serial 1, this machine has accepted epoch 1 serial 2/, argv);
  });

  // mksh counts with 32 bits.
  test.each(SHELLS)("rollback, under $name: numbers of up to 15 digits are told apart", async ({ argv }) => {
    const numbers = [9, 10, 2_147_483_648, 3_000_000_007, 3_000_000_008, 99_999_999_999, 999_999_999_999_998];
    const pointers = numbers.map((serial) => [serial, rig.point(rig.putBundle(`at ${serial}`), { serial })] as const);
    for (const [at, [serial, text]] of pointers.entries()) {
      rig.pointText(text);
      await boots(`at ${serial}`, argv);
      const [before, old] = pointers[at - 1] ?? [];
      if (old === undefined) continue;
      rig.pointText(old);
      await goesOn(`at ${serial}`, new RegExp(`goes back to epoch 1 serial ${before},`), argv);
    }
  });

  test("freeze: an expired pointer is told at every boot, and a new one that expired already is not followed", async () => {
    rig.point(rig.putBundle("ours"), { expires: 1795000001 });
    await goesOn("ours", /expired on 2026-11-18 11:06 UTC/);
    rig.point(rig.putBundle("next"), { expires: 1795000002 });
    await goesOn("ours", /expired on 2026-11-18 11:06 UTC/);
    expect(rig.marks()).not.toContain("next");
    rig.point(rig.putBundle("fresh"), { expires: 2_000_000_000 });
    await boots("fresh");
  });

  test("freeze: with expiry=refuse a machine that has nothing good starts nothing", async () => {
    rig.writeConf({ expiry: "refuse" });
    rig.point(rig.putBundle("ours"), { expires: 1795000001 });
    expect(await rig.run()).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("it expired on 2026-11-18 11:06 UTC"),
    });
    expect(rig.marks()).toEqual([]);
  });

  test("freeze: a clock that was set back does not make an expired pointer good again", async () => {
    rig.point(rig.putBundle("ours"), { created: 1_900_000_000 });
    await boots("ours");
    // By the machine's clock it is still good; the pointer accepted last was made after it had expired.
    rig.point(rig.putBundle("next"), { created: 1_900_000_000, expires: 1_899_999_999 });
    await goesOn("ours", /expired on 2030-03-17 17:46 UTC, by this machine's clock it is 2030-03-17 17:46 UTC/);
  });

  test("freeze: a time far ahead that a leaked key signed counts no longer than its epoch", async () => {
    rig.point(rig.putBundle("theirs"), { created: 900_000_000_000_000 });
    await boots("theirs");
    const next = new TestKey(1, 2);
    rig.trustKey(next);
    rig.point(rig.putBundle("ours"), { epoch: 2, expires: 4_000_000_000 }, [next]);
    await boots("ours");
  });

  test("mix-and-match: a pointer of another channel or project, well signed, is refused", async () => {
    rig.point(rig.putBundle("ours"));
    await boots("ours");
    rig.point(rig.putBundle("canary"), { channel: "canary" });
    await goesOn("ours", /it is for channel canary of project shop, not for prod of shop/);
    rig.point(rig.putBundle("other"), { project: "bank" });
    await goesOn("ours", /it is for channel prod of project bank, not for prod of shop/);
  });

  test("mix-and-match: bundle and runtime come from one signed pointer, never from two", async () => {
    const text = rig.point(rig.putBundle("ours"));
    const other = rig.point(rig.putBundle("other"));
    const bundleOf = (pointer: string): string => /^bundle=.*$/m.exec(pointer)?.[0] ?? "";
    rig.pointText(other.replace(bundleOf(other), bundleOf(text)));
    expect(await rig.run()).toMatchObject({ code: 4, stderr: expect.stringContaining("does not fit what it says") });
  });

  test("fast-forward: a leaked key cannot sign itself into an epoch to come, and the next key gets past its highest serial", async () => {
    rig.point(rig.putBundle("ours"));
    await boots("ours");
    rig.point(rig.putBundle("theirs"), { serial: 999_999_999_999_999, epoch: 2 });
    await goesOn("ours", /it is of epoch 2, which the key that signed it may not sign/);
    // Within its epoch it can do what it likes: that is what a leaked key means. The next epoch is out of its reach.
    rig.point(rig.putBundle("theirs"), { serial: 999_999_999_999_999 });
    await boots("theirs");
    const next = new TestKey(1, 2);
    rig.trustKey(next);
    rig.point(rig.putBundle("ours again"), { serial: 3, epoch: 2 }, [next]);
    await boots("ours again");
  });

  test("endless data: a pointer is cut at 8 KiB, a blob at the length that the pointer names", async () => {
    rig.point(rig.putBundle("ours"));
    await boots("ours");
    const text = rig.point(rig.putBundle("next"));
    rig.pointText(text + "x=y\n".repeat(1 << 20));
    await goesOn("ours", /it is longer than 8192 bytes/);
    const next = rig.putBundle("next");
    writeFileSync(join(rig.store, "bundles", `${next.digest}.tar.gz`), Buffer.alloc(1 << 24));
    rig.point(next);
    await goesOn("ours", new RegExp(`is damaged: ${next.bytes + 1} bytes`));
  });

  test("key compromise and rotation: both keys for a while, then the old one's pointers are no way back", async () => {
    const next = new TestKey(1, 2);
    rig.point(rig.putBundle("one"));
    await boots("one");
    rig.trustKey(next);
    const both = rig.point(rig.putBundle("two"), {}, [rig.key, next]);
    await boots("two");
    rig.point(rig.putBundle("three"), { epoch: 2 }, [next]);
    const { stderr } = await rig.run();
    expect(stderr).toContain(`key ${rig.key.id}.pem ended with epoch 1 and is trusted no more`);
    expect(readdirSync(rig.trust)).toEqual([`${next.id}.pem`]);
    rig.pointText(both);
    await goesOn("three", /goes back to epoch 1 serial 2/);
    rig.point(rig.putBundle("theirs"), { serial: 900, epoch: 2 }, [rig.key]);
    await goesOn("three", /no key that this machine trusts has signed it/);
  });

  test("key rotation: a machine that missed it stays with what it has and says so", async () => {
    rig.point(rig.putBundle("one"));
    await boots("one");
    rig.point(rig.putBundle("two"), { epoch: 2 }, [new TestKey(1, 2)]);
    await goesOn("one", /no key that this machine trusts has signed it/);
  });

  test("lost client state: without its floor a machine still trusts no key whose epoch is over", async () => {
    const next = new TestKey(1, 2);
    const old = rig.point(rig.putBundle("old"));
    await boots("old");
    rig.trustKey(next);
    rig.point(rig.putBundle("new"), { epoch: 2 }, [next]);
    await boots("new");
    rmSync(rig.state, { recursive: true });
    rig.pointText(old);
    expect(await rig.run()).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("no key that this machine trusts"),
    });
    rig.point(rig.putBundle("new"), { epoch: 2 }, [next]);
    await boots("new");
  });

  test("lost client state: without any key nothing is followed, and the remedy is named", async () => {
    rmSync(rig.trust, { recursive: true });
    rig.point(rig.putBundle("ours"));
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("this machine trusts no key yet") });
    expect(stderr).toContain("bootlace apply --here");
  });
});

test.each([
  ["no first line", (text: string) => text.replace("bootlace-key 1\n", "")],
  ["no epochs", (text: string) => text.replace(/epochs.*\n/, "")],
  ["epochs that are none", (text: string) => text.replace(/epochs.*\n/, "epochs=1-$(id)\n")],
])("stage1 takes no pointer by a trust file with %s", async (_name, spoil) => {
  writeFileSync(join(rig.trust, `${rig.key.id}.pem`), spoil(rig.key.trustFile));
  rig.point(rig.putBundle("ours"));
  expect(await rig.run()).toMatchObject({ code: 4, stderr: expect.stringContaining("is no trust file") });
});
