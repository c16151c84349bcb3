import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureCertificate, tlsFiles } from "../../services/bootlace/test/certificate.ts";
import { openssl } from "../../services/bootlace/test/openssl.ts";
import { privateCa } from "../../services/bootlace/test/private-ca.ts";
import { newCa, renewIssuer } from "../../src/cert/private-ca.ts";

const DAY = 86_400_000;
let dir: string;
let issuer: string;
const before = process.env.BOOTLACE_KEYS;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "bootlace-cert-"));
  process.env.BOOTLACE_KEYS = join(dir, "keys");
  issuer = (await newCa(dir, "shop", "test.example.com")).issuer;
});
afterEach(() => {
  if (before === undefined) delete process.env.BOOTLACE_KEYS;
  else process.env.BOOTLACE_KEYS = before;
  rmSync(dir, { recursive: true, force: true });
});

const names = ["shop-i-1.test.example.com", "b-i-1.test.example.com"];
const ensure = (more = {}, now = Date.now(), days = 30) =>
  ensureCertificate({ folder: dir, instance: "i-1", names, authority: privateCa(issuer, days, now), ...more }, now);
const leaf = () => new X509Certificate(readFileSync(tlsFiles(dir).chain));
const key = () => readFileSync(tlsFiles(dir).key, "utf8");

test("ensureCertificate() makes one anew, with a new key, when there is a reason, and only then", async () => {
  expect(await ensure()).toBe("there is none");
  const first = key();
  expect(statSync(tlsFiles(dir).key).mode & 0o777).toBe(0o600);
  expect(await ensure()).toBeUndefined();
  expect(await ensure({ names: names.toReversed() })).toBeUndefined();
  expect(await ensure({}, Date.now() + 19 * DAY)).toBeUndefined();
  expect(key()).toBe(first);
  expect(await ensure({}, Date.now() + 21 * DAY)).toBe("less than a third of its life is left");
  expect(key()).not.toBe(first);
  expect(await ensure({ names: names.slice(1) })).toBe("the names changed");
  expect(await ensure({ names: names.slice(1), instance: "i-2" })).toBe("it is another machine's");
  issuer = (await renewIssuer(dir, "shop")).issuer;
  expect(await ensure({ names: names.slice(1), instance: "i-2" })).toBe("its authority changed");
});

test("a certificate by the private CA ends no later than its issuer, whose end is told with the remedy", async () => {
  await ensure({}, Date.now(), 397);
  const end = new X509Certificate(readFileSync(issuer, "utf8").replace(/^[\s\S]*?(?=-----BEGIN CERT)/, "")).validTo;
  expect(leaf().validTo).toBe(end);
  expect(() => privateCa(issuer, 30, Date.now() + 101 * DAY)).toThrow("bootlace cert renew");
  expect(() => privateCa(join(dir, "none"), 30)).toThrow("bootlace cert new");
});

test("the CA is bound to its zone: a name elsewhere is certified in vain", async () => {
  const verify = () => {
    const { chain } = tlsFiles(dir);
    openssl(dir, "verify", "-CAfile", join(dir, "certs/ca.pem"), "-untrusted", chain, chain);
  };
  await ensure();
  verify();
  await ensure({ names: ["shop.example.com"] });
  expect(verify).toThrow(/permitted subtree violation/);
});

test("a key that is not its issuer's own is refused, and what was there stays", async () => {
  await ensure();
  const there = key();
  const [other] =
    /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(
      readFileSync(join(dir, "keys/shop-ca.pem"), "utf8"),
    ) ?? [];
  writeFileSync(
    issuer,
    readFileSync(issuer, "utf8").replace(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/, other ?? ""),
  );
  await expect(ensure({ names: names.slice(1) })).rejects.toThrow(/openssl ca failed|not its certificate's/);
  expect(key()).toBe(there);
});

test("newCa() writes over no CA, and takes zones alone", async () => {
  await expect(newCa(dir, "shop", "test.example.com")).rejects.toMatchObject({ code: "E_EXISTS" });
  await expect(newCa(dir, "other", "no zone")).rejects.toMatchObject({ code: "E_CERT" });
  await expect(renewIssuer(join(dir, "nowhere"), "shop")).rejects.toMatchObject({ code: "E_CERT" });
});
