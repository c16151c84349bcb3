import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bootstrapCommand, bootstrapError } from "../../../../src/machine/qemu/made-base.ts";
import { deskArch } from "../../../../src/runtime/pinned.ts";
import { BootlaceError } from "../../../../stage2/index.ts";

const parts = { suite: "bokworm", mirrors: { main: "http://m/debian", security: "http://m/debian-security" } };
const said = (words: string) =>
  bootstrapError(
    new BootlaceError("E_QEMU_BASE", `mmdebstrap --quiet: exit 25: Reading package lists...\n${words}`),
    parts,
  );

test("bootstrapError() leads with a release that the mirror does not have, and ends with the argv", () => {
  const { message } = said("E: The repository 'http://m/debian bokworm Release' does not have a Release file.");
  expect(message).toMatch(
    /^Debian has no release bokworm at http:\/\/m\/debian: The repository .*\(mmdebstrap --quiet\)$/,
  );
});

test("bootstrapError() speaks of the mirror only where apt could not fetch", () => {
  expect(said("E: Failed to fetch http://m/debian/x Could not connect to m:80").hint).toContain("within reach");
  expect(said("E: no space left on device").hint ?? "").not.toContain("within reach");
});

/** A PATH with these programs and those of root's folders alone. */
function onlyOnPath(...tools: readonly string[]): void {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-path-"));
  const { PATH } = process.env;
  process.env.PATH = dir;
  onTestFinished(() => {
    process.env.PATH = PATH;
    rmSync(dir, { recursive: true, force: true });
  });
  for (const tool of tools) writeFileSync(join(dir, tool), "#!/bin/sh\n", { mode: 0o755 });
}

test("bootstrapCommand() names newuidmap before mmdebstrap is run without root, and how to install it", async () => {
  onlyOnPath("mmdebstrap", "mkfs.ext4");
  const arch = deskArch();
  await expect(bootstrapCommand({ arch, root: false })).rejects.toMatchObject({
    code: "E_QEMU_BASE",
    hint: expect.stringContaining("apt install uidmap"),
  });
  await expect(bootstrapCommand({ arch, root: true })).resolves.toBeTypeOf("function");
});

test("bootstrapCommand() says how to install mmdebstrap where it is missing", async () => {
  onlyOnPath("mkfs.ext4");
  await expect(bootstrapCommand({ arch: deskArch(), root: false })).rejects.toMatchObject({
    hint: expect.stringContaining("apt install mmdebstrap"),
  });
});
