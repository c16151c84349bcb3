import { expect, test } from "vitest";
import { startPebble } from "../support/pebble.ts";
import { hostsOf, recordsOf, startNamed, useWorld } from "./named.ts";

const world = useWorld();

test("an ACME CA believes records in Route 53, refused nonces or not; the certificate stays until a third of its life is left", async () => {
  const pebble = await startPebble(world.dns.address);
  try {
    const { machine, tls, update } = await startNamed(world, `links: [shop, admin], acme: "${pebble.directory}"`);
    await machine.place("/usr/local/share/ca-certificates/pebble.crt", pebble.authority);
    await machine.on("update-ca-certificates 2>&1");
    const [shop = "", admin = ""] = hostsOf(await update());
    await machine.place("/etc/bootlace/acme.pem", await pebble.root());
    for (const host of [shop, admin])
      expect(await machine.on(`curl -sS --cacert /etc/bootlace/acme.pem https://${host}:${tls}/`)).toBe("the shop\n");
    // The challenges' records are gone.
    expect(recordsOf(world).map(([name, type]) => `${name} ${type}`)).toEqual([`${admin}. A`, `${shop}. A`]);
    expect(await update()).not.toContain("new certificate");
  } finally {
    await pebble.close();
  }
});
