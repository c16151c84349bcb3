import { ensureDebianPackages } from "./debian.ts";

/**
 * Brings what the suites need before any of them begins: installing while an image is being built would change the
 * root that a sandbox stands on, which it refuses.
 */
export default function setup(): void {
  ensureDebianPackages([
    "attr",
    "bash",
    "busybox",
    "curl",
    "dash",
    "e2fsprogs",
    "fdisk",
    "mksh",
    "openssh-client",
    "openssh-server",
    "openssl",
    "mmdebstrap",
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
