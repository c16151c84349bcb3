// Machines for benchmarks: a compiled project of scripts that do nothing or sleep, and the same for the peers.
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const RUNNER = fileURLToPath(new URL("../dist/stage2.mjs", import.meta.url));
const NOOP = "#!/bin/sh\n:\n";

export function folder() {
  return mkdtempSync(join(tmpdir(), "bootlace-bench-"));
}

/**
 * @param steps [{name, requires, text?}] one service each, with an init.
 * @returns argv that runs it, and what to do before each run so that every init is new.
 */
export function bootlaceMachine(dir, steps) {
  const bundle = join(dir, "bundle");
  const root = join(dir, "root");
  mkdirSync(bundle, { recursive: true });
  copyFileSync(RUNNER, join(bundle, "stage2.mjs"));
  const texts = new Map();
  const services = steps.map(({ name, requires, text = NOOP }) => {
    const digest = createHash("sha256").update(text).digest("hex");
    if (!texts.has(text)) {
      const home = join(bundle, "services", digest.slice(0, 8));
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, "init"), text, { mode: 0o755 });
      texts.set(text, `services/${digest.slice(0, 8)}`);
    }
    return {
      ...{
        name,
        description: "",
        dir: texts.get(text),
        digest: "",
        renamedFrom: [],
        requires,
        after: [],
        when: {},
        needs: [],
      },
      ...{
        repositories: { apt: [], dnf: [], apk: [] },
        packages: { apt: [], dnf: [], apk: [] },
        packagesAfter: [],
        artifacts: [],
      },
      ...{ params: {}, secrets: {}, env: {}, actions: {}, locks: [], onInitChange: "warn", onFailure: "block" },
      phases: { init: { file: "init", with: "exec", attempts: 1, backoff: 1000, digest } },
    };
  });
  services.sort((a, b) => (a.name < b.name ? -1 : 1));
  const roots = services.map(({ name }) => name);
  writeFileSync(join(bundle, "project.json"), JSON.stringify({ format: 1, name: "bench", roots, services }));
  return {
    argv: [process.execPath, join(bundle, "stage2.mjs"), "run", "--root", root, "--json"],
    before: () => rmSync(root, { recursive: true, force: true }),
  };
}

export const chain = (count) =>
  Array.from({ length: count }, (_, i) => ({ name: `s${i}`, requires: i === 0 ? [] : [`s${i - 1}`] }));

/** A Makefile with the same graph. */
export function makefile(dir, steps, text = NOOP) {
  const script = join(dir, "noop.sh");
  writeFileSync(script, text, { mode: 0o755 });
  const rules = steps.map(({ name, requires }) => `${name}: ${requires.join(" ")}\n\t@${script}\n`);
  const path = join(dir, "Makefile");
  writeFileSync(
    path,
    `.PHONY: all ${steps.map(({ name }) => name).join(" ")}\nall: ${steps.map(({ name }) => name).join(" ")}\n${rules.join("")}`,
  );
  return { path, script };
}

export function file(path, text, mode = 0o755) {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
