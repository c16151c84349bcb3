import { ensureDebianPackages } from "./debian.ts";

/**
 * Brings what the suites need before any of them begins: installing while an image is being built would change the
 * root that a sandbox stands on, which it refuses.
 */
export default function setup(): void {
  ensureDebianPackages([
    "apache2",
    "attr",
    "bash",
    "busybox",
    "cloud-init",
    "curl",
    "dash",
    "debootstrap",
    "e2fsprogs",
    "fdisk",
    "mksh",
    "openssh-client",
    "openssh-server",
    "openssl",
    "mmdebstrap",
    "packer",
    "pebble",
    "procps",
    "qemu-system-x86",
    "qemu-utils",
    "shellcheck",
    "strace",
    "sudo",
    "systemd",
    "util-linux",
    "yash",
  ]);
}
