import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer, connect as openSocket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Range } from "../../../../src/disk/ext-volume.ts";
import type { Captured, LaunchSpec, Machine, Provider } from "../../../../src/machine/machine.ts";
import { isAlive } from "../../../../src/machine/process-identity.ts";
import { exportDisk } from "../../../../src/machine/qemu/export.ts";
import { filesOf } from "../../../../src/machine/qemu/qemu-spec.ts";
import { makeSshKey } from "../../../../src/session/ssh-key.ts";
import { until } from "../../../support/until.ts";
import { cutPower, makeVmBase, runOn, TWO_BOOTS, VM_BASE, vmFolder, vmProvider, vmState } from "../../../support/vm.ts";
import { testProvider } from "../provider-contract.ts";

beforeAll(makeVmBase);

/** The desk knows a VM's host key by what it printed on its console. */
const forgeHostKey = async (dir: string, name: string) => {
  const file = filesOf(dir, name).console;
  const own = readFileSync(file, "utf8").match(/-----BEGIN SSH[\s\S]*END SSH HOST KEY KEYS-----/)?.[0];
  const show = (keys: string) => appendFileSync(file, `\n${keys}\n`);
  show(`-----BEGIN SSH HOST KEY KEYS-----\n${makeSshKey("another machine").public}\n-----END SSH HOST KEY KEYS-----`);
  return async () => show(own ?? "");
};
describe("the contract", () =>
  testProvider({ name: "qemu", make: async () => vmProvider(), base: VM_BASE, forgeHostKey, within: TWO_BOOTS }));

describe("a VM", () => {
  const folder = vmFolder();
  const { dir } = folder;
  const provider: Provider = vmProvider();
  const launch = (more: Partial<LaunchSpec> = {}, from = provider): Promise<Machine> =>
    from.launch({ name: "vm", dir, base: VM_BASE, purpose: "build", ...more });
  let machine: Machine;
  let port: number;
  let image: Captured;
  afterAll(async () => {
    for (const name of readdirSync(join(dir, ".bootlace", "machines")))
      await (await provider.find(dir, name))?.dispose();
    folder.remove();
  });

  test("launch() refuses a port that is taken, names it, and leaves nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await until(() => server.listening);
    port = (server.address() as { port: number }).port;
    const tried = launch({ hardware: { ports: [`${port}:80`] } });
    await expect(tried).rejects.toMatchObject({ code: "E_QEMU_PORT", message: expect.stringContaining(`${port}`) });
    expect(existsSync(filesOf(dir, "vm").folder)).toBe(false);
    server.close();
  });

  test("launch() tells what QEMU said when it ends at once, and leaves nothing", async () => {
    const tried = launch({ hardware: { qemu: { args: ["-device", "no-such-device"] } } });
    await expect(tried).rejects.toMatchObject({
      code: "E_QEMU_BOOT",
      message: expect.stringContaining("no-such-device"),
    });
    expect(existsSync(filesOf(dir, "vm").folder)).toBe(false);
  });

  test("launch() gives up at its deadline and shows the console's end, and leaves nothing", async () => {
    const impatient = vmProvider({ bootWithin: 12_000 });
    const args = ["-append", "console=ttyS0 root=/dev/none"];
    const tried = launch({ hardware: { qemu: { args } } }, impatient);
    await expect(tried).rejects.toMatchObject({
      code: "E_QEMU_BOOT",
      message: expect.stringMatching(/within 12 s \(\w+\)\nThe end of its console:\n(?: {2}.+\n){5}/),
    });
    expect(existsSync(filesOf(dir, "vm").folder)).toBe(false);
  });

  test("launch() that is interrupted ends QEMU and leaves nothing", async () => {
    const stop = new AbortController();
    const tried = provider.launch({ name: "vm", dir, base: VM_BASE, purpose: "build" }, stop.signal);
    await until(() => existsSync(filesOf(dir, "vm").state));
    const { process: qemu } = await vmState(dir, "vm");
    stop.abort("SIGINT");
    await expect(tried).rejects.toMatchObject({ name: "AbortError" });
    expect([isAlive(qemu), existsSync(filesOf(dir, "vm").folder)]).toEqual([false, false]);
  });

  test("dispose() ends a QEMU that hangs, and that its desk had no time to write down", async () => {
    const tried = launch();
    tried.catch(() => {});
    await until(() => existsSync(filesOf(dir, "vm").state));
    const { process: qemu } = await vmState(dir, "vm");
    rmSync(filesOf(dir, "vm").state);
    process.kill(qemu.pid, "SIGSTOP");
    await (await provider.find(dir, "vm"))?.dispose();
    expect(isAlive(qemu)).toBe(false);
    await expect(tried).rejects.toMatchObject({ code: "E_QEMU_BOOT" });
    expect(existsSync(filesOf(dir, "vm").folder)).toBe(false);
  });

  test(
    "launch() gives memory, disk, ports and a host name as asked; the console has the boot and the host key",
    async () => {
      const hardware = { memory: 768 * 1024 ** 2, disk: 12 * 1024 ** 3, ports: [`${port}:22`] };
      machine = await launch({ hardware, hostname: "builder" });
      expect(await runOn(machine, "hostname; nproc; grep ^purpose /run/bootlace/seed")).toBe(
        "builder\n2\npurpose=build",
      );
      const [size, memory] = (
        await runOn(machine, "df --output=size -BG / | tail -1; free -m | awk '/Mem/{print $2}'")
      ).split("\n");
      expect(Number.parseInt(size ?? "", 10)).toBeGreaterThan(10);
      expect(Number(memory)).toBeLessThan(768);
      expect(await banner(port)).toMatch(/^SSH-2.0-/);
      const printed = readFileSync(machine.console!, "utf8");
      expect(printed).toContain((await runOn(machine, "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub")).trim());
      expect(printed).toContain(await machine.boot());
      // The desk's key is in memory alone.
      expect(await runOn(machine, "ls -A /root/.ssh 2>/dev/null; grep -c . /run/bootlace/authorized_keys")).toBe("1");
    },
    TWO_BOOTS,
  );

  test(
    "reboot() gives another boot of the same machine, and session() waits for it",
    async () => {
      const before = await machine.boot();
      await machine.reboot();
      await expect.poll(() => machine.boot()).not.toBe(before);
      expect(await runOn(machine, "grep ^boot= /run/bootlace/seed")).toBe(`boot=${await machine.boot()}`);
    },
    TWO_BOOTS,
  );

  test(
    "a VM whose power is cut is stopped, not gone; start() brings it back with what was synced",
    async () => {
      await runOn(machine, "echo kept >/srv/kept; sync; dd if=/dev/urandom of=/srv/torn bs=1M count=8");
      await cutPower(dir, "vm");
      expect(await machine.status()).toBe("stopped");
      await machine.start();
      expect(await runOn(machine, "cat /srv/kept")).toBe("kept");
    },
    TWO_BOOTS,
  );

  test(
    "contents() shows the stopped disk with what was written; what was deleted is in neither it nor the capture",
    async () => {
      await runOn(
        machine,
        "echo planted-4711-here >/srv/planted; echo deleted-4712-here >/srv/gone; sync; rm /srv/gone; sync",
      );
      await machine.stop();
      const contents = await machine.contents();
      if (contents?.kind !== "disk") throw new Error("no disk");
      const bytes = await readRanges(contents.path, contents.written);
      expect(bytes.includes("planted-4711-here")).toBe(true);
      expect(bytes.includes("deleted-4712-here")).toBe(false);
      image = await machine.capture(join(dir, "image"));
      expect(existsSync(contents.path)).toBe(false);
      // No path of the desk is in an image: what is below is named by digest.
      const info = JSON.parse(
        execFileSync("qemu-img", ["info", "--output=json", image.layer!.file], { encoding: "utf8" }),
      );
      expect(info["backing-filename"]).toMatch(/^[0-9a-f]{64}\.qcow2$/);
    },
    TWO_BOOTS,
  );

  test(
    "exportDisk() makes one file that boots without the desk's cache",
    async () => {
      const file = join(dir, "whole.qcow2");
      await exportDisk({ origin: image.origin, layers: [image.layer!] }, file, { format: "qcow2", standalone: true });
      const info = JSON.parse(execFileSync("qemu-img", ["info", "--output=json", file], { encoding: "utf8" }));
      expect(info["backing-filename"]).toBeUndefined();
      const boot = [
        "-kernel",
        `${file}.kernel`,
        "-initrd",
        `${file}.initrd`,
        "-append",
        "console=ttyS0 root=/dev/vda rw",
      ];
      const options = ["-m", "768", "-display", "none", "-accel", "tcg", "-cpu", "max", "-serial", "stdio"];
      const child = spawn("qemu-system-x86_64", [...options, ...boot, "-drive", `file=${file},if=virtio`]);
      let said = "";
      child.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
      await until(() => said.includes("bootlace[guest]: boot=") || child.exitCode !== null);
      child.kill("SIGKILL");
      expect(said).toContain("BEGIN SSH HOST KEY KEYS");
    },
    TWO_BOOTS,
  );

  test("dispose() leaves no process, no file and no port", async () => {
    await machine.dispose();
    expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
    expect(processesWith(machine.id)).toEqual([]);
    const server = createServer().listen(port, "127.0.0.1");
    await until(() => server.listening);
    server.close();
  });
});

async function readRanges(file: string, ranges: readonly Range[]): Promise<Buffer> {
  const handle = await open(file);
  try {
    const parts = ranges.map(({ start, length }) => handle.read(Buffer.alloc(length), 0, length, start));
    return Buffer.concat((await Promise.all(parts)).map(({ buffer }) => buffer));
  } finally {
    await handle.close();
  }
}

function banner(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(port, "127.0.0.1");
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
    socket.once("error", reject);
  });
}

function processesWith(word: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
      } catch {
        return false;
      }
    });
}
