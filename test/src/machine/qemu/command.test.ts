import { expect, test } from "vitest";
import { qemuCommand } from "../../../../src/machine/qemu/command.ts";
import { kernelLine, makeSeed } from "../../../../src/machine/qemu/seed.ts";

const spec = {
  id: "vm-1",
  arch: "x86_64",
  memory: 1024 ** 3,
  cpus: 2,
  mac: "02:00:00:00:00:01",
  purpose: "run",
  args: [],
  base: { digest: "d", format: "qcow2", boot: "direct" },
} as const;

/** The word after another one. */
const after = (argv: readonly string[], word: string): string | undefined => argv[argv.indexOf(word) + 1];

test("qemuCommand() boots a made base by kernel and initrd, with relative paths and ports of 127.0.0.1", () => {
  const forwards = [{ address: "127.0.0.1", port: 8080, guest: 80 }];
  const argv = qemuCommand({ spec, accel: "tcg", port: 40022, forwards, kernelLine: "root=/dev/vda" });
  expect(argv[0]).toBe("qemu-system-x86_64");
  expect(argv.slice(-6)).toEqual(["-kernel", "kernel", "-initrd", "initrd", "-append", "root=/dev/vda"]);
  expect(after(argv, "-netdev")).toBe("user,id=net,hostfwd=tcp:127.0.0.1:40022-:22,hostfwd=tcp:127.0.0.1:8080-:80");
  expect(after(argv, "-qmp")).toBe("unix:qmp.sock,server=on,wait=off");
  expect([after(argv, "-m"), after(argv, "-smp"), after(argv, "-cpu"), after(argv, "-accel")]).toEqual([
    "1024M",
    "2",
    "max",
    "tcg,thread=multi",
  ]);
  expect(argv.join(" ")).not.toContain("cidata");
});

test("qemuCommand() gives a disk that boots itself the seed, and no kernel", () => {
  const own = { ...spec, base: { ...spec.base, boot: "disk" } } as const;
  const argv = qemuCommand({ spec: own, accel: "kvm", port: 1, forwards: [] });
  expect(argv).not.toContain("-kernel");
  expect(argv.join(" ")).toContain('"driver":"vvfat","dir":"seed","label":"cidata"');
  expect([after(argv, "-cpu"), after(argv, "-accel")]).toEqual(["host", "kvm"]);
});

test("qemuCommand() starts an arm64 guest by the other program and board; what the project adds comes last", () => {
  const arm = { ...spec, arch: "arm64", args: ["-device", "usb-ehci"] } as const;
  const argv = qemuCommand({ spec: arm, accel: "tcg", port: 1, forwards: [], kernelLine: "x" });
  expect([argv[0], after(argv, "-machine")]).toEqual(["qemu-system-aarch64", "virt"]);
  expect(argv.slice(-2)).toEqual(["-device", "usb-ehci"]);
});

test("qemuCommand() lets the disk of a builder wait for nothing, and that of a machine to be kept for the host's disk", () => {
  const cache = (purpose: "build" | "run") => {
    const argv = qemuCommand({ spec: { ...spec, purpose }, accel: "tcg", port: 1, forwards: [] });
    return JSON.parse(after(argv, "-blockdev") ?? "").cache["no-flush"];
  };
  expect([cache("build"), cache("run")]).toEqual([true, false]);
});

const parts = { id: "vm-1", purpose: "build", hostname: "web", authorized: "ssh-ed25519 AAAA desk" } as const;

test("kernelLine() tells a made base who it is, the key as one word", () => {
  const words = kernelLine(parts, "ttyS0").split(" ");
  expect(words).toEqual(
    expect.arrayContaining([
      "console=ttyS0",
      "bootlace.machine=vm-1",
      "bootlace.purpose=build",
      "bootlace.hostname=web",
    ]),
  );
  const key = words.find((word) => word.startsWith("bootlace.authorized="))?.slice("bootlace.authorized=".length);
  expect(Buffer.from(key ?? "", "base64").toString()).toBe("ssh-ed25519 AAAA desk\n");
});

test("makeSeed() plants the host key, lets root in, and makes a new instance of each machine", () => {
  const hostKey = { private: "-----BEGIN\nx\n", public: "ssh-ed25519 BBBB" };
  const seed = makeSeed({ ...parts, hostKey, login: "admin" });
  expect(JSON.parse(seed["meta-data"])).toEqual({ "instance-id": "vm-1", "local-hostname": "web" });
  const [head, ...rest] = seed["user-data"].split("\n");
  expect(head).toBe("#cloud-config");
  expect(JSON.parse(rest.join("\n"))).toMatchObject({
    disable_root: false,
    ssh_authorized_keys: [parts.authorized],
    ssh_keys: { ed25519_private: hostKey.private, ed25519_public: hostKey.public },
    users: ["default", { name: "admin", ssh_authorized_keys: [parts.authorized] }],
    bootcmd: [["sh", "-c", expect.stringContaining("/run/bootlace/seed"), "bootlace-seed", "vm-1", "build", "web"]],
  });
});
