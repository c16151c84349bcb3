import { expect, test } from "vitest";
import { hostsOf, recordsOf, startNamed, useWorld } from "./named.ts";

const world = useWorld();

test("a fresh machine is reached by name over TLS; another update changes nothing; destroy takes back its own", async () => {
  const { machine, tls, update } = await startNamed(world, "links: [shop, files=/srv/files]");
  const { route53 } = world;
  route53.misbehave("ChangeResourceRecordSets", "throttle", "busy", "mute");
  route53.pending = 3;
  const [shop = "", files = ""] = hostsOf(await update());
  expect([shop, files]).toEqual([
    expect.stringMatching(/^shop-[a-z0-9-]+\.test\.example\.com$/),
    expect.stringMatching(/^files-[a-z0-9-]+\.test\.example\.com$/),
  ]);
  expect(recordsOf(world)).toEqual([
    [`${files}.`, "A", 60, "127.0.0.1"],
    [`${shop}.`, "A", 60, "127.0.0.1"],
  ]);
  expect(route53.calls.filter((call) => call === "GetChange")).toHaveLength(3);

  const get = (host: string) => machine.on(`curl -sS --cacert /etc/bootlace/ca.pem https://${host}:${tls}/`);
  expect([await get(shop), await get(files)]).toEqual(["the shop\n", "a file\n"]);
  const shown = await machine.on(
    `openssl s_client -connect ${shop}:${tls} -servername ${shop} -CAfile /etc/bootlace/ca.pem -verify_return_error -verify_hostname ${shop} -showcerts </dev/null 2>&1`,
  );
  expect(shown).toContain("Verify return code: 0 (ok)");
  const state = "/var/lib/bootlace/state/named";
  await machine.on(
    `cd ${state} && openssl verify -x509_strict -purpose sslserver -CAfile /etc/bootlace/ca.pem -untrusted chain.pem chain.pem`,
  );
  expect(await machine.on(`openssl x509 -in ${state}/chain.pem -noout -ext subjectAltName`)).toContain(
    `DNS:${shop}, DNS:${files}`,
  );
  expect(await machine.on(`stat -c '%a %U' ${state}/key.pem`)).toBe("600 root\n");

  const [calls, digest] = [route53.calls.length, `sha256sum ${state}/* /etc/apache2/conf-enabled/*`];
  const before = await machine.on(digest);
  const again = await update();
  expect(again).not.toMatch(/new certificate|records changed|Apache loaded/);
  expect(route53.calls.slice(calls)).toEqual(["ListResourceRecordSets", "ListResourceRecordSets"]);
  expect(await machine.on(digest)).toBe(before);

  // Somebody points one of the names elsewhere: what is not ours any more stays.
  route53.zones[0]?.change([
    { action: "UPSERT", set: { name: `${files}.`, type: "A", ttl: 60, values: ["192.0.2.7"] } },
  ]);
  await machine.on("bootlace run -s named --phase destroy --plain");
  expect(recordsOf(world)).toEqual([[`${files}.`, "A", 60, "192.0.2.7"]]);
  expect(await machine.on("ls /etc/apache2/conf-enabled")).not.toContain("bootlace-test");
});
