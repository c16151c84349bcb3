import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianMirrors } from "../../src/machine/qemu/apt-mirrors.ts";
import { sourcesList } from "../../src/machine/qemu/base-commands.ts";
import { ensureDebianPackages } from "./debian.ts";
import { testCache } from "./vm.ts";

export interface CloudDisk {
  /** Raw, one ext4 without a boot loader. */
  readonly disk: string;
  /** What boots it, for `qemu.args`. */
  readonly args: readonly string[];
}

const PACKAGES = [
  ...["cloud-init", "dbus", "iproute2", "linux-image-cloud-amd64", "openssh-server", "sudo", "systemd-sysv"],
  ...["netplan.io", "procps", "python3", "ca-certificates", "curl"],
];
/** Run outside of the tree, with it as argument. */
const FINISH = `set -eu
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/test"
printf 'virtio_pci\\nvirtio_blk\\nvirtio_net\\next4\\ncrc32c_generic\\n' >>"$1/etc/initramfs-tools/modules"
chroot "$1" update-initramfs -u
# Without the package locales it could not set one, and would call the whole boot a failure.
echo 'locale: false' >"$1/etc/cloud/cloud.cfg.d/99-test.cfg"
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/hostname"
: >"$1/etc/machine-id"
`;

/** A disk as clouds have them: Debian with its own cloud-init, which nobody prepared for us. Made once. */
export async function cloudDisk(): Promise<CloudDisk> {
  ensureDebianPackages(["mmdebstrap", "e2fsprogs"]);
  const sources = sourcesList("bookworm", await debianMirrors());
  const key = createHash("sha256")
    .update(JSON.stringify([PACKAGES, FINISH, sources]))
    .digest("hex")
    .slice(0, 16);
  const folder = join(testCache(), `cloud-${key}`);
  if (!existsSync(folder)) make(folder, sources);
  const file = (name: string) => join(folder, name);
  const line = "root=/dev/vda rw console=ttyS0";
  return {
    disk: file("disk.raw"),
    args: ["-kernel", file("kernel"), "-initrd", file("initrd"), "-append", line],
  };
}

function make(folder: string, sources: string): void {
  mkdirSync(testCache(), { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  try {
    writeFileSync(join(work, "sources.list"), sources);
    writeFileSync(join(work, "finish"), FINISH);
    const run = (line: string) => execFileSync("sh", ["-euc", line], { cwd: work, stdio: "pipe" });
    run(
      `mmdebstrap --quiet --variant=minbase --include=${PACKAGES.join(",")} --customize-hook='sh finish "$1"' bookworm tree sources.list`,
    );
    run("cp tree/boot/vmlinuz-* kernel; cp tree/boot/initrd.img-* initrd; truncate -s 3G disk.raw");
    run("mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 -d tree disk.raw; rm -rf tree");
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}
