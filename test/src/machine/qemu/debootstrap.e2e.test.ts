import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ensureDebianPackages } from "../../../support/debian.ts";
import { runOn, VM_BASE, vmFolder, vmProvider } from "../../../support/vm.ts";

/** A PATH that has all programs of this one but `without`. */
function pathWithout(without: string): string {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-path-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const folder of (process.env.PATH ?? "").split(":").reverse())
    for (const name of entries(folder)) {
      rmSync(join(dir, name), { force: true });
      if (name !== without) symlinkSync(join(folder, name), join(dir, name));
    }
  return dir;
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

test("a base is made by debootstrap where mmdebstrap is not there, and its machine comes up", async () => {
  ensureDebianPackages(["debootstrap"]);
  const provider = vmProvider();
  const { PATH, XDG_CACHE_HOME } = process.env;
  const cache = mkdtempSync(join(tmpdir(), "bootlace-cache-"));
  const folder = vmFolder();
  onTestFinished(async () => {
    await (await provider.find(folder.dir, "dev"))?.dispose();
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    folder.remove();
    rmSync(cache, { recursive: true, force: true });
  });
  process.env.PATH = pathWithout("mmdebstrap");
  process.env.XDG_CACHE_HOME = cache;
  const machine = await provider.launch({ name: "dev", dir: folder.dir, base: VM_BASE, purpose: "run" });
  expect(await runOn(machine, ". /etc/os-release; echo $VERSION_CODENAME; systemctl is-system-running --wait")).toBe(
    "bookworm\nrunning",
  );
});
