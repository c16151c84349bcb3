import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureVirtualHosts, noteReload } from "../../services/bootlace/test/virtual-hosts.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bootlace-hosts-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Runs it with an Apache that fails at one command; answers what Apache was told. */
function ensure(text: string, failsAt = ""): string[] {
  const told: string[] = [];
  const tell = (...argv: readonly string[]): void => {
    told.push(argv.join(" "));
    if (told.at(-1) === failsAt) throw new Error("refused");
  };
  if (failsAt === "") ensureVirtualHosts(dir, text, dir, tell);
  else expect(() => ensureVirtualHosts(dir, text, dir, tell)).toThrow("refused");
  return told;
}

test("ensureVirtualHosts() has Apache load what a run before it wrote and could not have loaded, and then no more", () => {
  ensure("one", "-k graceful");
  expect(ensure("one")).toEqual(["-t", "-k graceful"]);
  expect(ensure("one")).toEqual([]);
});

test("ensureVirtualHosts() loads a new certificate though Apache refused its configuration once", () => {
  ensure("one");
  noteReload(dir);
  ensure("two", "-t");
  expect(readFileSync(join(dir, "100-bootlace-test.conf"), "utf8")).toBe("one");
  expect(ensure("one")).toEqual(["-t", "-k graceful"]);
  expect(existsSync(join(dir, "reload"))).toBe(false);
});
