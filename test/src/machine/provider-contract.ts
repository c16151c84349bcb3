import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Base, type Captured, layersOf, type Machine, type Provider } from "../../../src/machine/machine.ts";

export interface ProviderUnderTest {
  readonly name: string;
  readonly make: () => Promise<Provider>;
  /** What a machine starts from. */
  readonly base: Base;
  /** Makes the desk expect the host key of another machine; answers what undoes it. */
  readonly forgeHostKey: (dir: string, name: string) => Promise<() => Promise<void>>;
  /** Milliseconds that a test with two boots may take. */
  readonly within: number;
}

/**
 * What every provider keeps, whatever its machines are made of. One machine goes through the tests in their order,
 * because a real one takes its time to boot.
 */
export function testProvider({ name, make, base, forgeHostKey, within }: ProviderUnderTest): void {
  let provider: Provider;
  let dir: string;
  let machine: Machine;
  let first: { boot: string; machineId: string };
  let image: Captured;
  const machines: Machine[] = [];
  const launch = async (as: string, from: Base = base): Promise<Machine> => {
    const launched = await provider.launch({ name: as, dir, base: from, purpose: "run" });
    machines.push(launched);
    return launched;
  };
  const run = async (on: Machine, line: string): Promise<string> => {
    const session = await on.session();
    const result = await session.exec(["sh", "-c", line]);
    await session.close();
    expect([line, result.exit, result.stderr]).toEqual([line, 0, ""]);
    return result.stdout.trim();
  };
  beforeAll(async () => {
    provider = await make();
    dir = await mkdtemp(join(tmpdir(), "bootlace-contract-"));
  });
  afterAll(async () => {
    for (const each of machines.reverse()) await each.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  test(`${name}: launch() gives a machine with a session as root, with its purpose and identity in the seed`, async () => {
    machine = await launch("dev");
    expect(await machine.status()).toBe("running");
    expect(await run(machine, "id -u")).toBe("0");
    const seed = (await run(machine, "cat /run/bootlace/seed")).split("\n");
    first = { boot: await machine.boot(), machineId: await run(machine, "cat /etc/machine-id") };
    expect(seed).toEqual(expect.arrayContaining([`machine=${machine.id}`, "purpose=run", `boot=${first.boot}`]));
  });

  test(`${name}: launch() refuses a name that is taken, and leaves the machine that has it`, async () => {
    await expect(launch("dev")).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
    expect(await machine.status()).toBe("running");
  });

  test(`${name}: find() gives a machine that another process launched`, async () => {
    const found = await provider.find(dir, "dev");
    expect([found?.id, await found?.boot()]).toEqual([machine.id, first.boot]);
    expect(await provider.find(dir, "nobody")).toBeUndefined();
  });

  test(`${name}: session() refuses a machine whose host key is not the one known`, async () => {
    // What a machine does that took over an address: it answers with a key of its own.
    const restore = await forgeHostKey(dir, "dev");
    await expect(machine.session()).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY" });
    await restore();
    expect(await run(machine, "echo fine")).toBe("fine");
  });

  test(`${name}: identity() names what is this machine's alone, its machine-id among it`, async () => {
    const values = (await machine.identity()).map(({ value }) => value);
    expect(values).toEqual(expect.arrayContaining([machine.id, first.machineId]));
  });

  test(
    `${name}: stop() ends a machine, and again without complaint; session() and boot() refuse it then`,
    async () => {
      await expect(machine.capture(`${dir}/image`)).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
      await run(machine, "echo kept >/srv/kept; echo gone >/run/gone");
      await run(
        machine,
        `mkdir -p /var/lib/bootlace; echo '{"v":1,"k":"open","run":"r-1"}' >/var/lib/bootlace/journal`,
      );
      await machine.stop();
      expect(await machine.status()).toBe("stopped");
      await expect(machine.session()).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
      await expect(machine.boot()).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
      await machine.stop();
    },
    within,
  );

  test(
    `${name}: capture() refuses a machine with an open run`,
    async () => {
      await expect(machine.capture(`${dir}/image`)).rejects.toMatchObject({ code: "E_CAPTURE_RUN_OPEN" });
    },
    within,
  );

  test(
    `${name}: start() after stop() keeps the disk, empties /run and changes the boot, not the identity`,
    async () => {
      await machine.start();
      expect(await run(machine, "cat /srv/kept; test ! -e /run/gone; cat /etc/machine-id")).toBe(
        `kept\n${first.machineId}`,
      );
      expect(await machine.boot()).not.toBe(first.boot);
    },
    within,
  );

  test(
    `${name}: capture() makes an image from a stopped machine; one from it has the changes and another identity`,
    async () => {
      await run(
        machine,
        "echo first >/srv/first; rm /srv/kept /var/lib/bootlace/journal /etc/os-release /usr/lib/os-release",
      );
      await run(machine, "rm -rf /etc/apt; mkdir /etc/apt; rm -f /etc/ssh/ssh_host_*; : >/etc/machine-id");
      await machine.stop();
      image = await machine.capture(`${dir}/one`);
      const second = await launch("second", { kind: "layers", origin: image.origin, layers: layersOf(image) });
      expect(await run(second, "cat /srv/first; ls -A /etc/apt; ls /etc/os-release 2>&1 || :")).toMatch(/^first\nls: /);
      expect(second.id).not.toBe(machine.id);
      const machineId = await run(second, "cat /etc/machine-id");
      expect(machineId).toMatch(/^[0-9a-f]{32}$/);
      expect(machineId).not.toBe(first.machineId);
      await run(second, "echo second >/srv/second; rm /srv/first");
      await second.stop();
    },
    within,
  );

  test(
    `${name}: capture() of a machine from an image makes a layer over it, and changes nothing below`,
    async () => {
      const second = machines.find(({ name: own }) => own === "second")!;
      const two = await second.capture(`${dir}/two`);
      const layers = layersOf(two);
      // A provider that keeps its images has no files of them at the desk.
      if (image.layer) expect(layers.map(({ digest }) => digest)).toEqual([image.layer.digest, two.layer?.digest]);
      const third = await launch("third", { kind: "layers", origin: two.origin, layers });
      expect(await run(third, "ls /srv")).toBe("second");
      await third.dispose();
      const fresh = await launch("fresh");
      expect(await run(fresh, "ls /srv; ls /etc/os-release")).toBe("/etc/os-release");
      await fresh.dispose();
    },
    within,
  );

  test(
    `${name}: launch() refuses an image whose file is not what its record names`,
    async ({ skip }) => {
      if (!image.layer) return skip("its images are no files");
      const layer = { ...image.layer, digest: "0".repeat(64) };
      const tried = launch("damaged", { kind: "layers", origin: image.origin, layers: [layer] });
      await expect(tried).rejects.toMatchObject({ code: "E_IMAGE_DAMAGED" });
      expect(await provider.find(dir, "damaged")).toBeUndefined();
    },
    within,
  );

  test(`${name}: dispose() ends a machine in any state, and again without complaint`, async () => {
    for (const each of machines) {
      await each.dispose();
      expect(await each.status()).toBe("gone");
      await each.dispose();
    }
    expect(await provider.find(dir, "dev")).toBeUndefined();
  });
}
