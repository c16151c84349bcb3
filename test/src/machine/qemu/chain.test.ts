import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { makeOverlay } from "../../../../src/machine/qemu/chain.ts";
import { diskName, type QemuSpec, qemuFiles } from "../../../../src/machine/qemu/qemu-spec.ts";
import { ensureDebianPackages } from "../../../support/debian.ts";

beforeAll(() => ensureDebianPackages(["qemu-utils"]));

test("makeOverlay() makes a disk that only its owner can read, whatever the umask", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-chain-"));
  const umask = process.umask(0);
  onTestFinished(() => {
    process.umask(umask);
    rmSync(dir, { recursive: true, force: true });
  });
  const spec: Pick<QemuSpec, "name" | "base" | "layers" | "disk"> = {
    name: "web",
    base: { digest: "0".repeat(64), format: "raw", boot: "disk" },
    layers: [],
  };
  const files = qemuFiles(dir);
  writeFileSync(join(dir, diskName(spec.base.digest, "raw")), Buffer.alloc(1024 ** 2));
  await makeOverlay(spec as QemuSpec, files);
  expect(statSync(files.disk).mode & 0o777).toBe(0o600);
});
