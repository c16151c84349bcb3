import { spawnSync } from "node:child_process";
import { beforeAll, expect, test } from "vitest";
import { INIT_SCRIPT, SETUP_SCRIPT } from "../../../src/machine/sandbox/setup-script.ts";
import { hygieneScript } from "../../../src/seal/hygiene.ts";
import { QUIET } from "../../../src/seal/seal-machine.ts";
import { ensureDebianPackages } from "../../support/debian.ts";

beforeAll(() => ensureDebianPackages(["shellcheck"]));

test.each([
  ["the sandbox's setup", SETUP_SCRIPT],
  ["the sandbox's init", INIT_SCRIPT],
  ["the hygiene", hygieneScript()],
  ["what makes a system quiet", `# shellcheck disable=SC2086\n${QUIET}`],
])("shellcheck has nothing to say of %s", (_name, script) => {
  const said = spawnSync("shellcheck", ["--shell=sh", "--severity=warning", "-"], { input: script, encoding: "utf8" });
  expect(said.stdout).toBe("");
});
