import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../../src/cli/package-root.ts";
import { printFaults } from "../../../src/cli/print-faults.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { BootlaceError } from "../../../stage2/index.ts";

/**
 * Each folder of test/cases is a project with faults: `project/`, perhaps `setup.sh` (run in a copy of it, for what a
 * checkout cannot hold), and `expected.txt`, what `bootlace check` prints. UPDATE=1 writes it anew: read the diff.
 */
const cases = fileURLToPath(new URL("../../cases/", import.meta.url));

async function printed(dir: string): Promise<string> {
  try {
    const { warnings } = await loadProject(dir, { cache: false });
    return `no faults\n${printFaults(warnings, { colour: false })}`;
  } catch (error) {
    if (!(error instanceof BootlaceError)) throw error;
    if (error.code !== "E_CHECK") return `${error.code}: ${error.message.replaceAll(dir, "DIR")}\n`;
    return printFaults(error.faults, { colour: false });
  }
}

describe("loadProject() on the projects of test/cases", () => {
  for (const name of readdirSync(cases).sort()) {
    if (name.startsWith(".")) continue;
    test(name, async () => {
      const dir = mkdtempSync(join(tmpdir(), "bootlace-case-"));
      onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
      cpSync(join(cases, name, "project"), dir, { recursive: true });
      const setup = join(cases, name, "setup.sh");
      if (existsSync(setup)) execFileSync("sh", ["-eu", setup], { cwd: dir });
      const text = (await printed(dir)).replaceAll(dir, "DIR").replaceAll(fileURLToPath(packageRoot()), "PACKAGE/");
      const expected = join(cases, name, "expected.txt");
      if (process.env.UPDATE === "1") writeFileSync(expected, text);
      expect(text).toBe(readFileSync(expected, "utf8"));
    });
  }
});
