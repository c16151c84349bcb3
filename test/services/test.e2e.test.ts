import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Route53Server, startRoute53 } from "../support/aws/route53-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { type DnsServer, startDns } from "../support/dns-server.ts";
import { freePort } from "../support/sshd.ts";
import { AWS_FILE, ServiceMachine } from "./machine.ts";

let route53: Route53Server;
let dns: DnsServer;
beforeAll(() => ensureDebianPackages(["apache2", "openssl", "curl"]));
beforeEach(async () => {
  route53 = await startRoute53(["test.example.com", "example.net"]);
  dns = await startDns(route53.zones);
});
afterEach(async () => {
  await dns.close();
  await route53.close();
});

const ISSUER = "/etc/bootlace/issuer.pem";
const KEYS = "/etc/bootlace/aws";

interface Params {
  readonly apache: number;
  readonly tls: number;
  readonly links?: string;
}
const config = ({ apache, tls, links = "[shop, files=/srv/files]" }: Params): string => `name: shop
runtime: system
services: [named]
params:
  bootlace/apache: {port: ${apache}}
  named: {zone: test.example.com, address: 127.0.0.1, port: ${tls}, links: ${links}}
secrets: {named.issuer: "file:${ISSUER}", named.awsKeys: "file:${KEYS}"}
machines: {dev: {on: sandbox}}
`;
const named = () => `extends: bootlace/test\nenv: {AWS_ENDPOINT_URL: "${route53.url}"}\n`;

/** A machine that has its secrets and its name server, and has not run the service yet. */
async function start(params: Params): Promise<ServiceMachine> {
  const machine = await ServiceMachine.make({
    "bootlace.yaml": config(params),
    "services/named/service.yaml": named(),
    "services/page/service.yaml":
      "init: |\n  mkdir -p /srv/files /var/www/html\n  echo 'a file' >/srv/files/index.html\n  echo 'the shop' >/var/www/html/index.html\n",
  });
  await machine.bootlace("cert", "new", "test.example.com");
  await machine.bootlace("up", "dev", "-s", "page");
  await machine.place(ISSUER, await readFile(join(machine.keys, "shop-issuer.pem"), "utf8"));
  await machine.place(KEYS, AWS_FILE);
  await machine.place("/etc/bootlace/ca.pem", await readFile(join(machine.dir, "certs/ca.pem"), "utf8"));
  await machine.on(`echo nameserver ${dns.address} >/etc/resolv.conf`);
  return machine;
}

const hostsOf = (out: string): readonly string[] =>
  [...out.matchAll(/https:\/\/([a-z0-9.-]+)/g)].map(([, host = ""]) => host);
const update = (machine: ServiceMachine) => machine.on("bootlace run -s named --plain");
const records = () =>
  route53.zones.flatMap((zone) => zone.list().map(({ name, type, ttl, values }) => [name, type, ttl, ...values]));

test("a fresh machine is reached by name over TLS; another update changes nothing; destroy takes back its own", async () => {
  const tls = await freePort();
  const machine = await start({ apache: await freePort(), tls });
  route53.misbehave("ChangeResourceRecordSets", "throttle", "busy", "mute");
  route53.pending = 3;
  const [shop = "", files = ""] = hostsOf(await update(machine));
  expect([shop, files]).toEqual([
    expect.stringMatching(/^shop-[a-z0-9-]+\.test\.example\.com$/),
    expect.stringMatching(/^files-[a-z0-9-]+\.test\.example\.com$/),
  ]);
  expect(records()).toEqual([
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
  const again = await update(machine);
  expect(again).not.toMatch(/new certificate|records changed|Apache loaded/);
  expect(route53.calls.slice(calls)).toEqual(["ListResourceRecordSets", "ListResourceRecordSets"]);
  expect(await machine.on(digest)).toBe(before);

  // Somebody points one of the names elsewhere: what is not ours any more stays.
  route53.zones[0]?.change([
    { action: "UPSERT", set: { name: `${files}.`, type: "A", ttl: 60, values: ["192.0.2.7"] } },
  ]);
  await machine.on("bootlace run -s named --phase destroy --plain");
  expect(records()).toEqual([[`${files}.`, "A", 60, "192.0.2.7"]]);
  expect(await machine.on("ls /etc/apache2/conf-enabled")).not.toContain("bootlace-test");
}, 120_000);
