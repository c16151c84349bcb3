import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach } from "vitest";
import { type Route53Server, startRoute53 } from "../support/aws/route53-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { type DnsServer, startDns } from "../support/dns-server.ts";
import { freePort } from "../support/sshd.ts";
import { AWS_FILE, ServiceMachine } from "./machine.ts";

/** What a test of named machines has around it. */
export interface World {
  readonly route53: Route53Server;
  readonly dns: DnsServer;
}

/** Gives each test of a file a Route 53 with zones of its own, and their name server. */
export function useWorld(): World {
  const world = {} as { route53: Route53Server; dns: DnsServer };
  beforeAll(() => ensureDebianPackages(["apache2", "openssl", "curl"]));
  beforeEach(async () => {
    world.route53 = await startRoute53(["test.example.com", "example.net"]);
    world.dns = await startDns(world.route53.zones);
  });
  afterEach(async () => {
    await world.dns.close();
    await world.route53.close();
  });
  return world;
}

const ISSUER = "/etc/bootlace/issuer.pem";
const KEYS = "/etc/bootlace/aws";

export interface Named {
  readonly machine: ServiceMachine;
  /** Port that Apache does TLS at. */
  readonly tls: number;
  /** Runs the service's update once more; answers what the run printed. */
  update(): Promise<string>;
}

/**
 * A machine whose service `named` extends bootlace/test, with its secrets and its name server; it has not run yet.
 *
 * @param params Of the service, beside zone and address.
 */
export async function startNamed({ route53, dns }: World, params: string): Promise<Named> {
  const [apache, tls] = [await freePort(), await freePort()];
  const machine = await ServiceMachine.make({
    "bootlace.yaml": `name: shop
runtime: system
services: [named]
params:
  bootlace/apache: {port: ${apache}}
  named: {zone: test.example.com, address: 127.0.0.1, port: ${tls}, ${params}}
secrets: {named.issuer: "file:${ISSUER}", named.awsKeys: "file:${KEYS}"}
machines: {dev: {on: sandbox}}
`,
    "services/named/service.yaml": `extends: bootlace/test\nenv: {AWS_ENDPOINT_URL: "${route53.url}"}\n`,
    "services/page/service.yaml":
      "init: |\n  mkdir -p /srv/files /var/www/html\n  echo 'a file' >/srv/files/index.html\n  echo 'the shop' >/var/www/html/index.html\n",
  });
  await machine.bootlace("cert", "new", "test.example.com");
  await machine.bootlace("up", "dev", "-s", "page");
  await machine.place(ISSUER, await readFile(join(machine.keys, "shop-issuer.pem"), "utf8"));
  await machine.place(KEYS, AWS_FILE);
  await machine.place("/etc/bootlace/ca.pem", await readFile(join(machine.dir, "certs/ca.pem"), "utf8"));
  await machine.on(`echo nameserver ${dns.address} >/etc/resolv.conf`);
  return { machine, tls, update: () => machine.on("bootlace run -s named --plain") };
}

/** The names that an update printed. */
export const hostsOf = (out: string): readonly string[] =>
  [...out.matchAll(/https:\/\/([a-z0-9.-]+)/g)].map(([, host = ""]) => host);

/** Every record of every zone. */
export const recordsOf = ({ route53 }: World) =>
  route53.zones.flatMap((zone) => zone.list().map(({ name, type, ttl, values }) => [name, type, ttl, ...values]));
