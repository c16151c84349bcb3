import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/bundle/limits.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const sorted = (values: Iterable<string>): readonly string[] => [...new Set(values)].sort();
const firsts = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, word = ""]) => word);

test("docs/contracts.md lists each key of boot.conf that stage1 reads, and no other", () => {
  const reader = read("stage1/conf").split("read_setting() {")[1]?.split("\n}\n")[0] ?? "";
  const section = read("docs/contracts.md").split("boot.conf 1\n")[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const documented = rows.flatMap((row) => firsts(row.split("|")[1] ?? "", /`([a-z-]+)`/g));
  expect(documented.length).toBeGreaterThan(5);
  expect(sorted(documented)).toEqual(
    sorted(firsts(reader, /(?:^ +|\| )([a-z-]+)=/gm).filter((key) => key !== "value")),
  );
});

test("docs/stage1.md lists each exit code that stage1 uses, and no other", () => {
  const section = read("docs/stage1.md").split("## Exit codes")[1]?.split("\n## ")[0] ?? "";
  const text = ["stage1", "conf", "handover", "verify"].map((name) => read(`stage1/${name}`)).join("\n");
  const used = [...firsts(text, /die (\d)/g), ...firsts(text, /bad=(\d)/g)];
  expect(sorted(firsts(section, /^\| (\d) \|/gm))).toEqual(sorted(used));
});

test("docs/contracts.md lists each variable of the hand-off", () => {
  const section = read("docs/contracts.md").split("## 2. Hand-off 1")[1]?.split("\n## ")[0] ?? "";
  const exported = [
    ...firsts(read("stage1/handover"), /(BOOTLACE_[A-Z0-9]+)=/g),
    ...firsts(read("stage1/boot"), /export (BOOTLACE_[A-Z]+)/g),
  ];
  expect(sorted(firsts(section, /^\| `(BOOTLACE_[A-Z0-9]+)`/gm))).toEqual(sorted(exported));
});

test("docs/bundle.md and stage1 name the bounds that packing holds", () => {
  const doc = read("docs/bundle.md");
  expect(doc).toContain(`| files and folders | ${LIMITS.entries.toLocaleString("en")} |`);
  expect(doc).toContain(`| unpacked | ${LIMITS.unpackedBytes / 1024 ** 2} MiB |`);
  expect(doc).toContain(`| a path | ${LIMITS.pathBytes} bytes`);
  expect(read("stage1/verify")).toContain(`-le ${LIMITS.entries} ]`);
});

test("docs/stage1.md has a row for each file of stage1, and for no other", () => {
  const table = read("docs/stage1.md").split("| file | what |")[1]?.split("\n\n")[0] ?? "";
  const rows = table.split("\n").flatMap((line) => firsts(line.split("|")[1] ?? "", /`([a-z0-9.-]+)`/g));
  expect(sorted(rows)).toEqual(readdirSync(new URL("../../stage1", import.meta.url)).sort());
});
