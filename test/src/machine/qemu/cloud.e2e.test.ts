import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { imageBase } from "../../../../src/image/image-record.ts";
import type { Machine } from "../../../../src/machine/machine.ts";
import { filesOf } from "../../../../src/machine/qemu/qemu-spec.ts";
import { buildImage } from "../../../../src/recipe/build/build-image.ts";
import { type CloudDisk, cloudDisk } from "../../../support/cloud-disk.ts";
import { runOn, TWO_BOOTS, vmFolder, vmProvider } from "../../../support/vm.ts";

const folder = vmFolder();
const provider = vmProvider();
let disk: CloudDisk;
let machine: Machine;
beforeAll(async () => {
  disk = await cloudDisk();
});
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
  "buildImage() seals a machine with cloud-init: a machine of the image is another instance, for which cloud-init runs anew",
  async () => {
    await machine.dispose();
    writeFileSync(
      join(folder.dir, "bootlace.yaml"),
      `name: cloud
services: [app]
images:
  web: {on: qemu, from: {file: ${disk.disk}}, disk: 4G, login: root, qemu: {args: ${JSON.stringify(disk.args)}}}
`,
    );
    mkdirSync(join(folder.dir, "services/app"), { recursive: true });
    writeFileSync(
      join(folder.dir, "services/app/service.yaml"),
      "description: App\ninit: ls /var/lib/cloud/instances | sha256sum >/srv/instances; sha256sum </etc/machine-id >/srv/builder\n",
    );
    const signal = new AbortController().signal;
    const { image } = await buildImage({ dir: folder.dir, image: "web", provider, report: () => {}, signal });
    expect(image.origin).toMatchObject({ boot: "disk", format: "raw" });
    const other = await provider.launch({
      name: "other",
      dir: folder.dir,
      base: await imageBase(folder.dir, image),
      purpose: "run",
      hardware: { qemu: { args: disk.args } },
    });
    const [builder, hash] = (await runOn(other, "cat /srv/instances /srv/builder")).split("\n");
    expect(await runOn(other, "cloud-init status --wait >/dev/null; ls /var/lib/cloud/instances")).not.toContain(
      builder,
    );
    expect(await runOn(other, "sha256sum </etc/machine-id")).not.toBe(hash);
    expect(await runOn(other, "hostname; grep -c . /etc/machine-id")).toBe("other\n1");
  },
  2 * TWO_BOOTS,
);
