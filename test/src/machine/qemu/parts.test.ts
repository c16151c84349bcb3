import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { consoleEnd, readConsole } from "../../../../src/machine/console.ts";
import { chooseAccel, shownAccel } from "../../../../src/machine/qemu/accel.ts";
import { mirrorsOf } from "../../../../src/machine/qemu/apt-mirrors.ts";
import {
  basePackages,
  debootstrapCommand,
  FINISH_SCRIPT,
  finishCommand,
  mmdebstrapCommand,
} from "../../../../src/machine/qemu/base-commands.ts";
import { GUEST_SCRIPT, KEYS_SCRIPT } from "../../../../src/machine/qemu/guest-files.ts";
import { assertPortsFree, parseForward } from "../../../../src/machine/qemu/ports.ts";
import { probeKvm, probeOptions } from "../../../../src/machine/qemu/probe.ts";
import { deskArch } from "../../../../src/runtime/pinned.ts";
import { until } from "../../../support/until.ts";

const BOOT = "667ec3ff-2aa9-4188-ae33-c0b26623ed15";
const block = (key: string) =>
  `-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 ${key}\r\n-----END SSH HOST KEY KEYS-----\r\n`;

test("readConsole() takes the last boot and the last whole block of keys, and nothing that is half", () => {
  const text = `bootlace[guest]: boot=${BOOT.replace("6", "7")}\r\n${block("AAAA")}bootlace[guest]: ready\r\nbootlace[guest]: boot=${BOOT}\r\n${block("BBBB")}-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 CC`;
  expect(readConsole(text)).toEqual({ boot: BOOT, hostKeys: ["ssh-ed25519 BBBB"], ready: false });
  expect(readConsole(`${text}\r\nbootlace[guest]: ready`).ready).toBe(true);
  expect(readConsole("")).toEqual({ boot: undefined, hostKeys: [], ready: false });
});

test("consoleEnd() shows the last lines without cursor movements", () => {
  expect(consoleEnd("one\r\n\x1b[0;32mtwo\x1b[0m\r\n\r\nthree", 2)).toBe("  two\n  three");
});

test("parseForward() takes the three ways to write a port, and binds to 127.0.0.1 unless told otherwise", () => {
  expect(["8080:80", "0.0.0.0:8080:80", "8080"].map(parseForward)).toEqual([
    { address: "127.0.0.1", port: 8080, guest: 80 },
    { address: "0.0.0.0", port: 8080, guest: 80 },
    { address: "127.0.0.1", port: 8080, guest: 8080 },
  ]);
  for (const wrong of ["80:", "70000:80", "x"]) expect(() => parseForward(wrong)).toThrow(/is no port/);
});

test("assertPortsFree() names the port that is taken", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await until(() => server.listening);
  const { port } = server.address() as { port: number };
  await expect(assertPortsFree([parseForward(`${port}:80`)])).rejects.toMatchObject({
    code: "E_QEMU_PORT",
    message: `Port ${port} of 127.0.0.1 is taken`,
  });
});

test("chooseAccel() takes KVM only where the probe passed, and says why not", async () => {
  const broken = async () => "it hangs in a guest's first steps";
  expect(await chooseAccel("auto", deskArch(), broken)).toEqual({
    accel: "tcg",
    why: "no kvm: it hangs in a guest's first steps",
  });
  expect((await chooseAccel("auto", deskArch(), async () => undefined)).accel).toBe("kvm");
  await expect(chooseAccel("kvm", deskArch(), broken)).rejects.toMatchObject({ code: "E_QEMU_UNAVAILABLE" });
});

test("shownAccel() leaves out what QEMU said of a broken KVM", () => {
  const why = "no kvm: QEMU ended with 134 (failed to set MSR 0x48f)";
  expect(shownAccel({ accel: "tcg", why })).toBe("tcg; KVM does not work here");
  expect(shownAccel({ accel: "tcg", why: "asked for" })).toBe("tcg, as asked for");
  expect(shownAccel({ accel: "kvm", why: "it works here" })).toBe("kvm");
});

test("chooseAccel() emulates a processor that the desk does not have", async () => {
  const other = deskArch() === "arm64" ? "x86_64" : "arm64";
  expect((await chooseAccel("auto", other, async () => undefined)).accel).toBe("tcg");
});

test.runIf(deskArch() === "x86_64")("the boot sector of probeKvm() runs to its end where code is run", async () => {
  expect(await probeKvm((disk) => ["qemu-system-x86_64", "-accel", "tcg", ...probeOptions(disk)])).toBeUndefined();
});

test("probeKvm() counts a QEMU that ends otherwise as broken, and shows what it said", async () => {
  expect(await probeKvm(() => ["sh", "-c", "echo 'failed to set MSR 0x48f' >&2; exit 134"])).toBe(
    "QEMU ended with 134 (failed to set MSR 0x48f)",
  );
});

test("mirrorsOf() takes the desk's own mirrors of Debian in both formats, and nobody else's", () => {
  const deb822 = "Types: deb\nURIs: http://mirror.example/debian/\nSuites: bookworm\n";
  const oneLine = "deb [signed-by=/k] https://other.example/apt x main\ndeb http://s.example/debian-security b main\n";
  expect(mirrorsOf(deb822 + oneLine)).toEqual({
    main: "http://mirror.example/debian",
    security: "http://s.example/debian-security",
  });
  expect(mirrorsOf("# deb http://mirror.example/debian x main\n").main).toBe("http://deb.debian.org/debian");
});

const base = {
  suite: "bookworm",
  arch: "arm64",
  mirrors: { main: "http://m/debian", security: "http://m/debian-security" },
  runtime: { digest: "ab12", file: "/cache/ab12.tar.gz" },
  work: "/w",
} as const;

test("mmdebstrapCommand() makes a base of another architecture, without root in a namespace of its own", () => {
  const argv = mmdebstrapCommand({ ...base, root: false });
  expect(argv).toEqual(expect.arrayContaining(["--mode=unshare", "--architectures=arm64", "bookworm", "/w/base.tar"]));
  expect(argv.find((word) => word.startsWith("--include="))).toContain("linux-image-cloud-arm64");
  expect(finishCommand({ ...base, root: false }, 1).slice(0, 4)).toEqual([
    "unshare",
    "--map-root-user",
    "--map-auto",
    "--",
  ]);
  expect(finishCommand({ ...base, root: true }, 1)[0]).toBe("sh");
});

test("debootstrapCommand() makes the same packages into a folder", () => {
  const argv = debootstrapCommand({ ...base, root: true });
  expect(argv.slice(-3)).toEqual(["bookworm", "/w/tree", "http://m/debian"]);
  expect(argv).toContain(`--include=${basePackages("bookworm", "arm64").join(",")}`);
});

test("basePackages() leaves systemd-resolved out where it is a part of systemd", () => {
  expect(basePackages("bullseye", "x86_64")).not.toContain("systemd-resolved");
  expect(basePackages("bookworm", "x86_64")).toContain("systemd-resolved");
});

test("the scripts of a made base pass shellcheck", () => {
  for (const script of [GUEST_SCRIPT, KEYS_SCRIPT, FINISH_SCRIPT])
    execFileSync("shellcheck", ["--shell=sh", "-"], { input: script, encoding: "utf8" });
});
