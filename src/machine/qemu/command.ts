import { ARCH } from "./arch.ts";
import type { Forward } from "./ports.ts";
import type { QemuSpec } from "./qemu-spec.ts";
import { QMP_SOCKET } from "./qmp.ts";

export interface CommandParts {
  readonly spec: Pick<QemuSpec, "id" | "arch" | "memory" | "cpus" | "mac" | "purpose" | "args" | "base">;
  readonly accel: "kvm" | "hvf" | "tcg";
  /** Of 127.0.0.1, for SSH. */
  readonly port: number;
  readonly forwards: readonly Forward[];
  /** The kernel's line; a disk that boots itself has none. */
  readonly kernelLine?: string;
}

/** QEMU's argv. Paths are relative to the machine's folder, in which it runs: a socket's path must be short. */
export function qemuCommand({ spec, accel, port, forwards, kernelLine }: CommandParts): readonly string[] {
  const { id, arch, memory, cpus, mac, purpose, args, base } = spec;
  const { qemu, machine } = ARCH[arch];
  const ports = [{ address: "127.0.0.1", port, guest: 22 }, ...forwards];
  const disk = {
    "node-name": "disk",
    driver: "qcow2",
    discard: "unmap",
    "detect-zeroes": "unmap",
    // A builder whose host dies is made anew: it need not wait for the host's disk. One whose QEMU dies keeps all.
    cache: { direct: false, "no-flush": purpose !== "run" },
    file: { driver: "file", filename: "disk.qcow2", discard: "unmap" },
  };
  return [
    qemu,
    "-name",
    `bootlace-${id}`,
    "-no-user-config",
    "-nodefaults",
    "-display",
    "none",
    "-machine",
    machine,
    "-accel",
    accel === "tcg" ? "tcg,thread=multi" : accel,
    "-cpu",
    accel === "tcg" ? "max" : "host",
    "-smp",
    String(cpus),
    "-m",
    `${Math.ceil(memory / 1024 ** 2)}M`,
    "-chardev",
    "file,id=console,path=console.log,append=on",
    "-serial",
    "chardev:console",
    "-qmp",
    `unix:${QMP_SOCKET},server=on,wait=off`,
    "-blockdev",
    JSON.stringify(disk),
    "-device",
    "virtio-blk-pci,drive=disk",
    "-netdev",
    `user,id=net,${ports.map(({ address, port: own, guest }) => `hostfwd=tcp:${address}:${own}-:${guest}`).join(",")}`,
    "-device",
    `virtio-net-pci,netdev=net,mac=${mac},romfile=`,
    "-device",
    "virtio-rng-pci",
    ...(base.boot === "direct" ? ["-kernel", "kernel", "-initrd", "initrd", "-append", kernelLine ?? ""] : SEED_DISK),
    ...args,
  ];
}

/** QEMU shows a folder as a FAT disk, so no ISO tool is needed. cloud-init looks for the label. */
const SEED_DISK = [
  "-blockdev",
  JSON.stringify({
    "node-name": "seed",
    driver: "vvfat",
    dir: "seed",
    label: "cidata",
    floppy: false,
    rw: false,
    "read-only": true,
  }),
  "-device",
  "virtio-blk-pci,drive=seed",
];
