import { readFile } from "node:fs/promises";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { Base, Machine, Provider } from "../../../src/machine/machine.ts";
import { makeProject } from "../../support/small-project.ts";

export interface ProviderUnderTest {
  readonly name: string;
  readonly make: () => Promise<Provider>;
  /** What a machine starts from. */
  readonly base: Base;
}

/** What every provider keeps, whatever its machines are made of. */
export function testProvider({ name, make, base }: ProviderUnderTest): void {
  let provider: Provider;
  const machines: Machine[] = [];
  beforeAll(async () => {
    provider = await make();
  });
  afterEach(async () => {
    for (const machine of machines.splice(0).reverse()) await machine.dispose();
  });
  const launch = async (dir: string, more: { name?: string; base?: Base } = {}): Promise<Machine> => {
    const machine = await provider.launch({ name: more.name ?? "dev", dir, base: more.base ?? base, purpose: "run" });
    machines.push(machine);
    return machine;
  };
  const run = async (machine: Machine, line: string): Promise<string> => {
    const session = await machine.session();
    const result = await session.exec(["sh", "-c", line]);
    await session.close();
    expect([line, result.exit, result.stderr]).toEqual([line, 0, ""]);
    return result.stdout.trim();
  };

  test(`${name}: launch() gives a machine with a session as root, with its purpose and identity in the seed`, async () => {
    const machine = await launch(await makeProject({}));
    expect(await machine.status()).toBe("running");
    expect(await run(machine, "id -u")).toBe("0");
    const seed = (await run(machine, "cat /run/bootlace/seed")).split("\n");
    expect(seed).toEqual(
      expect.arrayContaining([`machine=${machine.id}`, "purpose=run", `boot=${await machine.boot()}`]),
    );
  });

  test(`${name}: launch() refuses a name that is taken, and leaves the machine that has it`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    await expect(launch(dir)).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
    expect(await machine.status()).toBe("running");
  });

  test(`${name}: stop() and start() keep the disk, empty /run and change the boot, not the identity`, async () => {
    const machine = await launch(await makeProject({}));
    const [before, id] = [await machine.boot(), await run(machine, "cat /etc/machine-id")];
    await run(machine, "echo kept >/srv/kept; echo gone >/run/gone");
    await machine.stop();
    expect(await machine.status()).toBe("stopped");
    await expect(machine.session()).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
    await machine.stop();
    await machine.start();
    expect(await run(machine, "cat /srv/kept; test ! -e /run/gone; cat /etc/machine-id")).toBe(`kept\n${id}`);
    expect(await machine.boot()).not.toBe(before);
  });

  test(`${name}: find() gives a machine that another process launched`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    const found = await provider.find(dir, "dev");
    expect([found?.id, await found?.boot()]).toEqual([machine.id, await machine.boot()]);
    expect(await provider.find(dir, "nobody")).toBeUndefined();
  });

  test(`${name}: session() refuses a machine whose host key is not the one known`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    const other = await launch(dir, { name: "other" });
    // What a machine does that took over an address: it answers with a key of its own.
    const known = `${dir}/.bootlace/machines/dev/host_ed25519.pub`;
    const { writeFile } = await import("node:fs/promises");
    await writeFile(known, await readFile(`${dir}/.bootlace/machines/other/host_ed25519.pub`, "utf8"));
    await expect(machine.session()).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY" });
    expect(await run(other, "echo fine")).toBe("fine");
  });

  test(`${name}: capture() makes an image from a stopped machine; machines from it have the changes and another identity`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    await expect(machine.capture(`${dir}/image`)).rejects.toMatchObject({ code: "E_MACHINE_STATE" });
    await run(
      machine,
      "echo first >/srv/first; rm /etc/os-release /usr/lib/os-release; rm -rf /etc/apt; mkdir /etc/apt; : >/etc/machine-id",
    );
    await machine.stop();
    const one = await machine.capture(`${dir}/one`);
    const second = await launch(dir, {
      name: "second",
      base: { kind: "layers", origin: one.origin, layers: [one.layer] },
    });
    expect(await run(second, "cat /srv/first; ls -A /etc/apt; ls /etc/os-release 2>&1 || :")).toMatch(/^first\nls: /);
    expect(second.id).not.toBe(machine.id);
    expect(await run(second, "cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
    await run(second, "echo second >/srv/second; rm /srv/first");
    await second.stop();
    const two = await second.capture(`${dir}/two`);
    const layers = [...two.parents, two.layer];
    expect(layers).toHaveLength(2);
    const third = await launch(dir, {
      name: "third",
      base: { kind: "layers", origin: two.origin, layers },
    });
    expect(await run(third, "ls /srv")).toBe("second");
    expect(await run(await launch(dir, { name: "fresh" }), "ls /srv /etc/os-release")).not.toContain("second");
  }, 30_000);

  test(`${name}: capture() refuses a machine with an open run`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    await run(machine, `mkdir -p /var/lib/bootlace; echo '{"v":1,"k":"open","run":"r-1"}' >/var/lib/bootlace/journal`);
    await machine.stop();
    await expect(machine.capture(`${dir}/image`)).rejects.toMatchObject({ code: "E_CAPTURE_RUN_OPEN" });
  });

  test(`${name}: launch() refuses an image whose file was changed`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    await machine.stop();
    const { layer, origin } = await machine.capture(`${dir}/image`);
    const { appendFile } = await import("node:fs/promises");
    await appendFile(layer.file, "x");
    const tried = launch(dir, { name: "second", base: { kind: "layers", origin, layers: [layer] } });
    await expect(tried).rejects.toMatchObject({ code: "E_IMAGE_DAMAGED" });
    expect(await provider.find(dir, "second")).toBeUndefined();
  });

  test(`${name}: dispose() ends a machine in any state, and again without complaint`, async () => {
    const dir = await makeProject({});
    const machine = await launch(dir);
    await machine.dispose();
    expect(await machine.status()).toBe("gone");
    await machine.dispose();
    const stopped = await launch(dir);
    await stopped.stop();
    await stopped.dispose();
    expect(await provider.find(dir, "dev")).toBeUndefined();
  });
}
