import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { desk } from "../../support/desk.ts";

test("journal show and repair --here look at and mend a damaged journal, from a folder without a project", async () => {
  const home = mkdtempSync(join(tmpdir(), "bootlace-journal-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const root = join(home, "root");
  const journal = join(root, "var/lib/bootlace/journal");
  for (const folder of [root, join(home, "empty"), join(home, "project/services/web")])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(home, "project/bootlace.yaml"), "name: small\nruntime: system\nservices: [web]\n");
  const yaml = `init: |\n  echo init >>${home}/log\nupdate: |\n  echo update >>${home}/log\n`;
  writeFileSync(join(home, "project/services/web/service.yaml"), yaml);
  const here = ["--here", "--root", root];
  const apply = () => desk(["-C", join(home, "project"), "apply", ...here]);
  const repair = (...more: string[]) => desk(["-C", join(home, "empty"), "journal", "repair", ...here, ...more]);
  const show = () => desk(["-C", join(home, "empty"), "journal", "show", ...here]);

  expect(await apply()).toMatchObject({ exit: 0, err: "" });
  const shown = await show();
  const kinds = shown.out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line).k]));
  expect([shown.exit, kinds]).toEqual([0, expect.arrayContaining(["open", "start", "done", "close"])]);
  expect((await repair()).out).toContain("nothing to repair");

  // One letter of the first line, which is no torn last one.
  const whole = readFileSync(journal);
  const damaged = Buffer.from(whole);
  damaged[10] = (damaged[10] ?? 0) ^ 1;
  writeFileSync(journal, damaged);
  const refused = await apply();
  expect([refused.exit, refused.err]).toEqual([7, expect.stringContaining("bootlace journal repair")]);
  expect((await show()).exit).toBe(7);
  const looked = await repair();
  expect([looked.exit, looked.out]).toEqual([7, expect.stringContaining("Nothing was changed")]);
  expect(readFileSync(journal)).toEqual(damaged);
  const done = await repair("--yes");
  expect([done.exit, done.out]).toEqual([0, expect.stringContaining("The damaged journal is kept as")]);
  const [kept = ""] = readdirSync(join(root, "var/lib/bootlace")).filter((name) => name.startsWith("journal.damaged"));
  expect(readFileSync(join(root, "var/lib/bootlace", kept))).toEqual(damaged);
  expect(await apply()).toMatchObject({ exit: 0, err: "" });
});

test.each(["show", "repair"])("journal %s without --here is refused with exit 2", async (what) => {
  const { exit, err } = await desk(["journal", what]);
  expect([exit, err]).toEqual([2, expect.stringContaining("Expected --here")]);
});
