import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodePointer } from "../../../src/deploy/pointer.ts";
import type { LocalBlob, Store } from "../../../src/store/store.ts";

export interface StoreUnderTest {
  /** The store as its users open it. */
  readonly store: Store;
  /** Another one for the same content, which may write. */
  readonly writer: Store;
  readonly dispose: () => Promise<void> | void;
}

export function pointer(serial: number, by = "ann@desk"): string {
  const bundle = { digest: "a".repeat(64), bytes: 1, unpackedBytes: 1 };
  return encodePointer({
    project: "shop",
    channel: "prod",
    epoch: 1,
    serial,
    created: 1795000000,
    bundle,
    runtimes: {},
    by,
  });
}

/** What every kind of store promises. `make` gets an empty folder. */
export function storeContract(
  name: string,
  writable: boolean,
  make: (folder: string) => Promise<StoreUnderTest>,
): void {
  describe(name, () => {
    let home: string;
    let under: StoreUnderTest;
    beforeEach(async () => {
      home = mkdtempSync(join(tmpdir(), "bootlace-store-"));
      under = await make(join(home, "store"));
    });
    afterEach(async () => {
      await under.dispose();
      rmSync(home, { recursive: true, force: true });
    });
    const local = (text: string): LocalBlob => {
      const file = join(home, "blob");
      writeFileSync(file, text);
      return { kind: "bundles", digest: createHash("sha256").update(text).digest("hex"), bytes: text.length, file };
    };

    test("an empty store has no blob and no channel", async () => {
      expect(await under.store.has(local("x"))).toBe(false);
      expect(await under.store.get(local("x"))).toBeUndefined();
      expect(await under.store.readChannel("prod")).toBeUndefined();
    });

    test("has() and get() find what was put, byte for byte", async () => {
      const blob = local("some bytes");
      expect(await under.writer.put(blob)).toBe("sent");
      expect(await under.store.has(blob)).toBe(true);
      expect((await under.store.get(blob))?.toString()).toBe("some bytes");
      expect(await under.writer.put(blob)).toBe("there");
    });

    test("has() and get() find a blob of no length", async () => {
      const blob = local("");
      expect(await under.writer.put(blob)).toBe("sent");
      expect(await under.store.has(blob)).toBe(true);
      expect(await under.store.get(blob)).toEqual(Buffer.alloc(0));
    });

    test("has() and get() find a blob of several megabytes, and put() tells how much was sent", async () => {
      const blob = local("0123456789abcdef".repeat(200_000));
      const told: number[] = [];
      expect(await under.writer.put(blob, (sent) => told.push(sent))).toBe("sent");
      expect(told.at(-1)).toBe(blob.bytes);
      expect(await under.store.has(blob)).toBe(true);
      expect((await under.store.get(blob))?.length).toBe(blob.bytes);
    });

    test("readChannel() gives the pointer that was moved to last", async () => {
      await under.writer.moveChannel("prod", pointer(1), undefined);
      await under.writer.moveChannel("prod", pointer(2), pointer(1));
      expect(await under.store.readChannel("prod")).toBe(pointer(2));
    });

    test("history() begins with the present pointer, and is empty for a channel that nobody published to", async () => {
      expect(await under.store.history("prod")).toEqual([]);
      await under.writer.moveChannel("prod", pointer(1), undefined);
      await under.writer.moveChannel("prod", pointer(2), pointer(1));
      expect((await under.store.history("prod"))[0]).toBe(pointer(2));
    });

    if (!writable) {
      test("put() and moveChannel() say that it can only be read", async () => {
        await expect(under.store.put(local("x"))).rejects.toMatchObject({ code: "E_STORE_READONLY" });
        await expect(under.store.moveChannel("prod", pointer(1), undefined)).rejects.toMatchObject({
          code: "E_STORE_READONLY",
        });
      });
      return;
    }

    test("put() refuses a file that is not what its digest says, and leaves nothing", async () => {
      const blob = local("one");
      writeFileSync(blob.file, "two");
      await expect(under.store.put(blob)).rejects.toMatchObject({ code: "E_STORE_DAMAGED" });
      expect(await under.store.has(blob)).toBe(false);
    });

    test("history() has every pointer that ever stood there, the newest first, as many as are asked for", async () => {
      let before: string | undefined;
      for (const serial of [1, 2, 9, 10, 11]) {
        await under.store.moveChannel("prod", pointer(serial), before);
        before = pointer(serial);
      }
      expect(await under.store.history("prod")).toEqual([11, 10, 9, 2, 1].map((serial) => pointer(serial)));
      expect(await under.store.history("prod", 2)).toEqual([pointer(11), pointer(10)]);
      expect(await under.store.history("other")).toEqual([]);
    });

    test("moveChannel() lets one of many publishers through and tells the others who won", async () => {
      await under.store.moveChannel("prod", pointer(1), undefined);
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, at) =>
          under.store.moveChannel("prod", pointer(2, `publisher${at}@desk`), pointer(1)),
        ),
      );
      const winner = (await under.store.readChannel("prod"))?.match(/by=(.*)/)?.[1];
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") {
          expect(result.reason).toMatchObject({
            code: "E_CHANNEL_MOVED",
            message: expect.stringContaining(`by ${winner}`),
          });
        }
      }
    });

    test("moveChannel() refuses whoever looked before the last move, also with a serial that is free", async () => {
      await under.store.moveChannel("prod", pointer(1), undefined);
      await under.store.moveChannel("prod", pointer(2), pointer(1));
      for (const seen of [undefined, pointer(1)]) {
        await expect(under.store.moveChannel("prod", pointer(9), seen)).rejects.toMatchObject({
          code: "E_CHANNEL_MOVED",
        });
      }
      expect(await under.store.readChannel("prod")).toBe(pointer(2));
    });

    test("moveChannel() never loses a move when publishers try again until they are through", async () => {
      const publishers = 8;
      await Promise.all(
        Array.from({ length: publishers }, async (_, at) => {
          for (;;) {
            const current = await under.store.readChannel("prod");
            const serial = Number(current?.match(/serial=(\d+)/)?.[1] ?? 0) + 1;
            try {
              return await under.store.moveChannel("prod", pointer(serial, `p${at}`), current);
            } catch (error) {
              expect(error).toMatchObject({ code: "E_CHANNEL_MOVED" });
            }
          }
        }),
      );
      const serials = (await under.store.history("prod")).map((text) => Number(/serial=(\d+)/.exec(text)?.[1]));
      expect(serials).toEqual(Array.from({ length: publishers }, (_, at) => publishers - at));
    });
  });
}
