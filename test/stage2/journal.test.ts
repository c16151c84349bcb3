import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkpointLines } from "../../stage2/journal/checkpoint.ts";
import { crc32 } from "../../stage2/journal/crc32.ts";
import { outputEntries, packageEntries } from "../../stage2/journal/entries.ts";
import { foldJournal } from "../../stage2/journal/fold.ts";
import { parseJournal } from "../../stage2/journal/parse.ts";
import { type Entry, encodeRecord, type JournalRecord, MAX_LINE } from "../../stage2/journal/record.ts";
import { planRepair } from "../../stage2/journal/repair.ts";

const name = fc.constantFrom("web", "db", "app-user", "bootlace/apache");
const phase = fc.constantFrom("init" as const, "update" as const);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    k: fc.constant("start" as const),
    svc: name,
    phase,
    try: fc.nat(3),
    why: fc.constant("new" as const),
    pid: fc.nat(),
    pst: fc.nat(),
  }),
  fc.record({ k: fc.constant("done" as const), svc: name, phase, dig: fc.string() }),
  fc.record({
    k: fc.constant("fail" as const),
    svc: name,
    phase,
    rc: fc.nat(255),
    why: fc.string({ maxLength: 500, unit: "grapheme" }),
  }),
);

/** Journals as the runner writes them: writes of one or more lines. */
const journal = fc.array(fc.array(entry, { minLength: 1, maxLength: 4 }), { maxLength: 8 }).map((writes) => {
  let n = 0;
  return writes.map((entries) => {
    const b = n + 1;
    return entries.map(
      (one): JournalRecord => ({
        n: ++n,
        t: 1_795_000_000_000 + n,
        run: "r",
        boot: "b",
        mach: "m",
        ...one,
        ...(entries.length > 1 && { b }),
      }),
    );
  });
});

const bytesOf = (records: readonly JournalRecord[]): Buffer => Buffer.from(records.map(encodeRecord).join(""));

describe("parseJournal()", () => {
  test("reads back what was written, with room of NULs behind it or without", () => {
    fc.assert(
      fc.property(journal, fc.nat(5000), (writes, room) => {
        const records = writes.flat();
        const bytes = bytesOf(records);
        const parsed = parseJournal(Buffer.concat([bytes, Buffer.alloc(room)]));
        expect(parsed).toEqual({ records, end: bytes.length, torn: 0 });
      }),
    );
  });

  test("takes a journal cut at any byte for torn, and keeps every whole line before", () => {
    fc.assert(
      fc.property(journal, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (writes, where, padded) => {
        const records = writes.flat();
        const bytes = bytesOf(records);
        const cut = Math.floor(bytes.length * where);
        const parsed = parseJournal(Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(padded ? 600 : 0)]));
        expect(parsed.damage).toBeUndefined();
        expect(parsed.end + parsed.torn).toBe(cut);
        expect(parsed.records).toEqual(records.slice(0, parsed.records.length));
        expect(bytes.subarray(0, cut).filter((byte) => byte === 10)).toHaveLength(parsed.records.length);
      }),
    );
  });

  test("takes a last write for torn whose earlier sector the disk lost", () => {
    const [first, second, third] = [1, 2, 3].map(
      (n): JournalRecord => ({
        n,
        t: 1,
        run: "r",
        k: "done",
        svc: "web",
        phase: "init",
        dig: "d",
        ...(n > 1 && { b: 2 }),
      }),
    );
    const bytes = bytesOf([first!, second!, third!]);
    const start = encodeRecord(first!).length;
    bytes.fill(0, start + 10, start + 40);
    expect(parseJournal(bytes)).toMatchObject({ records: [first], end: start, torn: bytes.length - start });
  });

  test("never takes damage for torn where a later write is whole: that outcome had been promised", () => {
    const records = [1, 2, 3].map(
      (n): JournalRecord => ({ n, t: 1, run: "r", k: "done", svc: "web", phase: "init", dig: "d" }),
    );
    const bytes = bytesOf(records);
    const start = encodeRecord(records[0]!).length;
    bytes.fill(0, start + 10, start + 40);
    expect(parseJournal(bytes).damage).toMatchObject({ line: 2, offset: start });
  });

  test("notices any single byte that changed in a line that is whole", () => {
    fc.assert(
      fc.property(
        journal.filter((writes) => writes.length > 0),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (writes, at, xor) => {
          const records = writes.flat();
          const bytes = bytesOf(records);
          const index = at % bytes.length;
          bytes[index] = bytes[index]! ^ xor;
          const parsed = parseJournal(bytes);
          // Either it is refused, or it is the last write and counts as torn: never is a changed line believed.
          expect(parsed.records).toEqual(records.slice(0, parsed.records.length));
          expect(parsed.records.length).toBeLessThan(records.length);
        },
      ),
    );
  });

  test("names a line of a newer format apart from a damaged one", () => {
    const body = JSON.stringify({ v: 2, n: 1, t: 1, run: "r", k: "done" });
    const line = `${body.slice(0, -1)},"crc":"${crc32(body)}"}\n`;
    expect(parseJournal(Buffer.from(line)).damage).toMatchObject({ newer: true });
  });

  test("keeps lines of a kind that it does not know, and the fold passes over them", () => {
    const records = [
      { n: 1, t: 1, run: "r", k: "future" },
      { n: 2, t: 1, run: "r", k: "done" as const, svc: "web", phase: "init" as const, dig: "d" },
    ];
    const parsed = parseJournal(Buffer.from(records.map(encodeRecord).join("")));
    expect(parsed.records).toHaveLength(2);
    expect(foldJournal(parsed.records).services.get("web")?.inited).toBeDefined();
  });
});

describe("checkpointLines()", () => {
  test("keeps inits, packages and outputs, and names no machine, boot or run", () => {
    const long = "x".repeat(5000);
    const names = Array.from({ length: 120 }, (_, i) => `a-package-with-a-long-name-${i}`);
    const entries: Entry[] = [
      { k: "open", bundle: "d", spec: { trigger: "asked", purpose: "build", roots: ["web"] } },
      ...outputEntries("web", "init", new Map([["KEY", long]])),
      ...packageEntries("web", "apt", names),
      { k: "done", svc: "web", phase: "init", dig: "v1:x" },
      { k: "start", svc: "db", phase: "init", try: 1, why: "new", pid: 7, pst: 8 },
      { k: "close", rc: 0, why: "done", spec: { whole: true } },
    ];
    const records = entries.map(
      (one, index): JournalRecord => ({
        n: index + 1,
        t: 5,
        run: "r-builder",
        boot: "boot-builder",
        mach: "mach-builder",
        ...one,
      }),
    );
    const lines = checkpointLines(foldJournal(records), 9);
    expect(lines.join("")).not.toMatch(/builder/);
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE);
    const state = foldJournal(parseJournal(Buffer.from(lines.join(""))).records);
    expect(state.services.get("web")).toMatchObject({ inited: { dig: "v1:x", t: 5 }, packages: { apt: names } });
    expect(state.services.get("web")?.outputs.get("KEY")).toBe(long);
    expect(state.services.has("db")).toBe(false);
    expect(state.updated.size).toBe(0);
  });
});

describe("planRepair()", () => {
  test("keeps every line that can be read, says which init would run again, and leaves a journal that is whole", () => {
    const records: JournalRecord[] = [
      { n: 1, t: 1, run: "r", k: "done", svc: "base", phase: "init", dig: "d" },
      { n: 2, t: 1, run: "r", k: "start", svc: "web", phase: "init", try: 1, why: "new", pid: 1, pst: 1 },
      { n: 3, t: 1, run: "r", k: "done", svc: "web", phase: "init", dig: "d" },
      { n: 4, t: 1, run: "r", k: "close", rc: 0, why: "done" },
    ];
    const bytes = bytesOf(records);
    bytes[bytesOf(records.slice(0, 2)).length + 30]! ^= 1;
    expect(parseJournal(bytes).damage?.line).toBe(3);
    const repair = planRepair(bytes);
    expect(repair.lines.join("\n")).toMatch(/line 3[\s\S]*stay done: base[\s\S]*run again: web/);
    const repaired = parseJournal(Buffer.from(repair.journal));
    expect(repaired).toMatchObject({ torn: 0, records: [{ svc: "base" }, { svc: "web" }, { k: "close" }] });
    expect(repaired.damage).toBeUndefined();
  });
});

describe("crc32()", () => {
  test.skipIf(zlibCrc32 === undefined)("is that of zlib", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        (text) => crc32(text) === zlibCrc32(text).toString(16).padStart(8, "0"),
      ),
    );
  });
});
