import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Machine } from "../../../../src/machine/machine.ts";
import { filesOf } from "../../../../src/machine/qemu/qemu-spec.ts";
import { type CloudDisk, cloudDisk } from "../../../support/cloud-disk.ts";
import { runOn, TWO_BOOTS, vmFolder, vmProvider } from "../../../support/vm.ts";

const folder = vmFolder();
const provider = vmProvider();
let disk: CloudDisk;
let machine: Machine;
beforeAll(async () => {
  disk = await cloudDisk();
}, 600_000);
afterAll(async () => {
  for (const name of readdirSync(join(folder.dir, ".bootlace", "machines")))
    await (await provider.find(folder.dir, name))?.dispose();
  folder.remove();
});

test(
  "launch() makes a disk with cloud-init ours by a NoCloud seed: root's session, planted host key, seed, host name",
  async () => {
    machine = await provider.launch({
      name: "cloud",
      dir: folder.dir,
      base: { kind: "file", path: disk.disk },
      purpose: "build",
      hostname: "builder",
      hardware: { qemu: { args: disk.args }, disk: 4 * 1024 ** 3 },
    });
    expect(await runOn(machine, "id -un; cloud-init status --wait; hostname")).toMatch(
      /^root\n\.*\s*status: done\nbuilder$/,
    );
    const seed = (await runOn(machine, "cat /run/bootlace/seed")).split("\n");
    expect(seed).toEqual(
      expect.arrayContaining([
        "provider=qemu",
        `machine=${machine.id}`,
        "purpose=build",
        `boot=${await machine.boot()}`,
      ]),
    );
    const planted = readFileSync(`${filesOf(folder.dir, "cloud").hostKey}.pub`, "utf8").split(" ")[1];
    expect(await runOn(machine, "cut -d' ' -f2 /etc/ssh/ssh_host_*_key.pub")).toBe(planted);
    // cloud-init's growpart has no partition here; resizefs does its part.
    expect(Number.parseInt(await runOn(machine, "df --output=size -BM / | tail -1"), 10)).toBeGreaterThan(3500);
  },
  TWO_BOOTS,
);

test(
  "a machine with cloud-init has its seed at every boot, and its sessions after the image's own first boot",
  async () => {
    const before = await machine.boot();
    await machine.stop();
    await machine.start();
    expect(await machine.boot()).not.toBe(before);
    expect(await runOn(machine, "grep ^boot= /run/bootlace/seed")).toBe(`boot=${await machine.boot()}`);
  },
  TWO_BOOTS,
);

test(
  "capture() of a disk that boots itself makes an image whose machines are other instances",
  async () => {
    await runOn(machine, "echo kept >/srv/kept; rm -rf /var/lib/cloud/* /etc/ssh/ssh_host_*; : >/etc/machine-id; sync");
    const id = (await machine.identity()).find(({ name }) => name.endsWith("machine-id"))?.value;
    await machine.stop();
    const image = await machine.capture(join(folder.dir, "image"));
    expect(image.origin).toMatchObject({ boot: "disk", format: "raw" });
    await machine.dispose();
    const other = await provider.launch({
      name: "other",
      dir: folder.dir,
      base: { kind: "layers", origin: image.origin, layers: [image.layer] },
      purpose: "run",
      hardware: { qemu: { args: disk.args } },
    });
    expect(await runOn(other, "cat /srv/kept; hostname; cat /etc/machine-id")).toMatch(
      new RegExp(`^kept\\nother\\n(?!${id})[0-9a-f]{32}$`),
    );
  },
  TWO_BOOTS,
);
