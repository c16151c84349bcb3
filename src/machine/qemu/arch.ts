import type { RuntimeArch } from "../../runtime/pinned.ts";

export type GuestArch = RuntimeArch;

export interface ArchTraits {
  /** The program that emulates it. */
  readonly qemu: string;
  /** As dpkg names it. */
  readonly debian: string;
  /** Debian's kernel for virtual machines. */
  readonly kernel: string;
  readonly machine: string;
  /** The serial console's device. */
  readonly tty: string;
}

/** What differs by processor. QEMU's documentation, "System Emulation", and Debian's linux-image packages. */
export const ARCH: Readonly<Record<GuestArch, ArchTraits>> = {
  x86_64: {
    qemu: "qemu-system-x86_64",
    debian: "amd64",
    kernel: "linux-image-cloud-amd64",
    machine: "q35",
    tty: "ttyS0",
  },
  arm64: {
    qemu: "qemu-system-aarch64",
    debian: "arm64",
    kernel: "linux-image-cloud-arm64",
    machine: "virt",
    tty: "ttyAMA0",
  },
};
