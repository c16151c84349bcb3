import { describe, expect, test } from "vitest";
import { imageName } from "../../../../src/image/image-record.ts";
import { alterRecord } from "../../../../src/image/records/alter-record.ts";
import type { ImageRecords } from "../../../../src/image/records/image-records.ts";
import { sampleRecord } from "../sample-record.ts";

/**
 * What every place for records keeps to, on the fake and on the real one.
 *
 * @param open answers two desks' views of one place in which the project has no records yet.
 */
export function recordsContract(name: string, open: () => Promise<readonly [ImageRecords, ImageRecords]>): void {
  describe(`records in ${name}`, () => {
    test("add() and get() give back every field, at another desk too", async () => {
      const [here, there] = await open();
      const record = sampleRecord("web", "20261130120000-aaaa");
      await here.add(record);
      expect(await there.get("web", record.id)).toEqual(record);
      expect(await there.get("web", "20261130120000-bbbb")).toBeUndefined();
    });

    test("named() answers one name's images, the newest first, and none of a name that begins so", async () => {
      const [here, there] = await open();
      for (const id of ["20261130120000-aaaa", "20261201000000-cccc", "20261130120001-bbbb"])
        await here.add(sampleRecord("web", id));
      await here.add(sampleRecord("web-admin", "20261202000000-dddd"));
      expect((await there.named("web")).map(({ id }) => id)).toEqual([
        "20261201000000-cccc",
        "20261130120001-bbbb",
        "20261130120000-aaaa",
      ]);
      expect(await there.named("we")).toEqual([]);
    });

    test("all() answers every image, by name, the newest first", async () => {
      const [here] = await open();
      for (const [name, id] of [
        ["web", "20261130120000-aaaa"],
        ["base", "20261130110000-bbbb"],
        ["web", "20261130130000-cccc"],
      ] as const)
        await here.add(sampleRecord(name, id));
      expect((await here.all()).map(imageName)).toEqual([
        "base/20261130110000-bbbb",
        "web/20261130130000-cccc",
        "web/20261130120000-aaaa",
      ]);
    });

    test("line() answers a root and what was made from it, the newest first", async () => {
      const [here] = await open();
      const lineage = "base/20261130110000-bbbb";
      await here.add(sampleRecord("base", "20261130110000-bbbb"));
      await here.add(sampleRecord("web", "20261130120000-aaaa", { lineage }));
      await here.add(sampleRecord("shop", "20261130130000-cccc", { lineage }));
      await here.add(sampleRecord("other", "20261130140000-dddd"));
      expect((await here.line(lineage)).map(imageName)).toEqual([
        "shop/20261130130000-cccc",
        "web/20261130120000-aaaa",
        lineage,
      ]);
    });

    test("add() of an image that has a record is refused, and changes nothing", async () => {
      const [here, there] = await open();
      const record = sampleRecord("web", "20261130120000-aaaa");
      await here.add(record);
      await expect(there.add({ ...record, state: "building" })).rejects.toMatchObject({ code: "E_RECORD_TAKEN" });
      expect((await here.get("web", record.id))?.state).toBe("good");
    });

    test("change() answers the new record, whose revision grew, and leaves the rest as it was", async () => {
      const [here, there] = await open();
      const record = sampleRecord("web", "20261130120000-aaaa");
      await here.add(record);
      const changed = await here.change(record, { state: "deprecated", reason: "old OpenSSL" });
      expect(changed).toEqual({ ...record, state: "deprecated", reason: "old OpenSSL", revision: 2 });
      expect(await there.get("web", record.id)).toEqual(changed);
    });

    test("change() of what another desk changed meanwhile is refused, and loses nothing of it", async () => {
      const [here, there] = await open();
      const seen = sampleRecord("web", "20261130120000-aaaa");
      await here.add(seen);
      await there.change(seen, { tags: { by: "there" } });
      await expect(here.change(seen, { state: "gone" })).rejects.toMatchObject({ code: "E_RECORD_CHANGED" });
      expect(await here.get("web", seen.id)).toMatchObject({ state: "good", tags: { by: "there" } });
    });

    test("change() of what has no record is refused", async () => {
      const [here] = await open();
      const never = sampleRecord("web", "20261130120000-aaaa");
      await expect(here.change(never, { state: "gone" })).rejects.toMatchObject({ code: "E_RECORD_CHANGED" });
      expect(await here.all()).toEqual([]);
    });

    test("alterRecord() of two desks at once loses no write", async () => {
      const [here, there] = await open();
      const image = sampleRecord("web", "20261130120000-aaaa", { tags: {} });
      await here.add(image);
      const tag = (records: ImageRecords, key: string) =>
        alterRecord(records, image, ({ tags }) => ({ tags: { ...tags, [key]: "1" } }));
      await Promise.all([tag(here, "a"), tag(there, "b"), tag(here, "c"), tag(there, "d")]);
      expect(await here.get("web", image.id)).toMatchObject({ revision: 5, tags: { a: "1", b: "1", c: "1", d: "1" } });
    });

    test("alterRecord() brings nothing back that is gone", async () => {
      const [here] = await open();
      const image = sampleRecord("web", "20261130120000-aaaa", { state: "gone" });
      await here.add(image);
      await expect(alterRecord(here, image, () => ({ state: "good" }))).rejects.toMatchObject({
        code: "E_IMAGE_STATE",
      });
    });
  });
}
