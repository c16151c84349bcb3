import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelLog } from "../../../src/store/channel-log.ts";
import { pointer } from "./store-contract.ts";

/** So many changes of names are made; then nothing more is, as for a process that was killed. */
const life = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const mortal =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (life.left === 0) throw new Error("killed");
      life.left -= 1;
      return call(...args);
    };
  return { ...real, link: mortal(real.link), rename: mortal(real.rename) };
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

test("ChannelLog.move() over a forged pointer shows that one or the new one, never an older one, wherever it is killed", async () => {
  const forged = [pointer(500, "mallory@x"), pointer(999, "mallory@x")];
  for (let changes = 0; ; changes += 1) {
    const folder = mkdtempSync(join(tmpdir(), "bootlace-log-"));
    folders.push(folder);
    const log = new ChannelLog(folder);
    life.left = Number.POSITIVE_INFINITY;
    await log.move("prod", pointer(1), undefined);
    await log.move("prod", pointer(2), pointer(1));
    mkdirSync(join(folder, ".log/prod"), { recursive: true });
    for (const [at, text] of forged.entries()) {
      writeFileSync(join(folder, `.log/prod/00000001.${at === 0 ? "000000000000500" : "000000000000999"}`), text);
    }
    writeFileSync(join(folder, "prod"), forged[1] ?? "");
    life.left = changes;
    const ended = await log.move("prod", pointer(3), forged[1]).then(
      () => true,
      () => false,
    );
    life.left = Number.POSITIVE_INFINITY;
    const shown = [await log.read("prod"), readFileSync(join(folder, "prod"), "latin1")];
    await log.bringForward("prod");
    shown.push(readFileSync(join(folder, "prod"), "latin1"));
    for (const text of shown) expect([forged[1], pointer(3)]).toContain(text);
    if (!ended) continue;
    expect(shown).toEqual([pointer(3), pointer(3), pointer(3)]);
    // One link, two put aside, one copy for machines.
    expect(changes).toBe(4);
    await log.move("prod", pointer(4), pointer(3));
    expect((await log.history("prod", 9)).slice(0, 4)).toEqual([4, 3, 2, 1].map((serial) => pointer(serial)));
    return;
  }
});
