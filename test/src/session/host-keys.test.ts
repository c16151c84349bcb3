import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fingerprint, publicKeyBlob } from "../../../src/session/ssh-key.ts";
import { useSshDesk } from "../../support/ssh-desk.ts";
import { makeKey, type Sshd } from "../../support/sshd.ts";

const desk = useSshDesk();
const at = (sshd: Sshd) => `root@127.0.0.1:${sshd.port}`;
const shown = (sshd: Sshd) => fingerprint(publicKeyBlob(sshd.hostKey("ed25519")));

/** A host, with the configuration to log in there, and whatever known_hosts are to say. */
async function host(known: (sshd: Sshd) => string, more = ""): Promise<Sshd> {
  const sshd = await desk.sshd();
  desk.known(known(sshd));
  desk.config(desk.plain(sshd.userKey) + more);
  return sshd;
}

function otherKey(): string {
  makeKey(join(desk.dir, "other"), "ed25519");
  return readFileSync(join(desk.dir, "other.pub"), "utf8").split(" ").slice(0, 2).join(" ");
}

test("openSsh() refuses an unknown key with its fingerprint and the ways to accept it, before it logs in", async () => {
  const sshd = await host(() => "");
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY_UNKNOWN",
    message: `127.0.0.1:${sshd.port} shows host key ssh-ed25519 ${shown(sshd)}, which is not known`,
    hint: expect.stringMatching(/console.*--accept-host-key SHA256:.*known_hosts.*`ssh -p \d+ root@127\.0\.0\.1`/),
  });
  expect(sshd.log()).not.toContain("Accepted");
});

test.each(["no", "accept-new", "off"])("StrictHostKeyChecking %s in a configuration accepts nothing", async (word) => {
  const sshd = await host(() => "", `  StrictHostKeyChecking ${word}\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY_UNKNOWN" });
});

test("openSsh() accepts the key whose fingerprint the person types, and knows it from then on", async () => {
  const sshd = await host(() => "");
  await desk.open(at(sshd), { acceptHostKey: shown(sshd) });
  const file = join(desk.project, ".bootlace/known_hosts");
  expect(readFileSync(file, "utf8")).toBe(sshd.knownLine());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await desk.open(at(sshd));
});

test("openSsh() accepts no other key than the one typed", async () => {
  const sshd = await host(() => "");
  const typed = fingerprint(publicKeyBlob(otherKey()));
  await expect(desk.open(at(sshd), { acceptHostKey: typed })).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY_UNKNOWN",
    message: expect.stringContaining(`expected ${typed}`),
  });
});

test("openSsh() refuses a changed key, whatever is typed, and names the file and line of the known one", async () => {
  const sshd = await host(({ port }) => `\n[127.0.0.1]:${port} ${otherKey()}\n`);
  await expect(desk.open(at(sshd), { acceptHostKey: shown(sshd) })).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: expect.stringContaining(`(${desk.dir}/known:2)`),
  });
});

test("openSsh() refuses a key of a type other than the known one as a changed key", async () => {
  const sshd = await desk.sshd({ hostKeys: ["rsa"] });
  desk.known(`[127.0.0.1]:${sshd.port} ${otherKey()}\n`);
  desk.config(desk.plain(sshd.userKey));
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: expect.stringMatching(/shows host key ssh-rsa .*known are ssh-ed25519/),
  });
});

test("openSsh() always refuses a revoked key", async () => {
  const sshd = await host((it) => `${it.knownLine()}@revoked * ${it.hostKey("ed25519")}\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: expect.stringContaining("the key is revoked"),
  });
});

test("openSsh() says that an authority's line is of no use here", async () => {
  const sshd = await host(() => `@cert-authority * ${otherKey()}\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY_UNKNOWN",
    message: expect.stringContaining(`${desk.dir}/known:1 trusts a certificate authority, which is not supported`),
  });
});

test.each(["ed25519", "ecdsa", "rsa"] as const)(
  "openSsh() asks a host that has keys of three types for the %s key that is known",
  async (type) => {
    const sshd = await desk.sshd({ hostKeys: ["ed25519", "rsa", "ecdsa"] });
    desk.known(sshd.knownLine(type));
    desk.config(desk.plain(sshd.userKey));
    await desk.open(at(sshd));
  },
);

test("openSsh() takes HostKeyAlias for the name in known_hosts, and a key known without the port", async () => {
  const alias = await host((it) => `shop ${it.hostKey("ed25519")}\n`, "  HostKeyAlias shop\n");
  await desk.open(at(alias));
  const bare = await host((it) => `127.0.0.1 ${it.hostKey("ed25519")}\n`);
  await desk.open(at(bare));
});

test("openSsh() reads the keys that the project accepted, and the global ones", async () => {
  const sshd = await host(() => "");
  writeFileSync(join(desk.dir, "global"), sshd.knownLine());
  desk.config(
    `GlobalKnownHostsFile ${desk.dir}/missing ${desk.dir}/global\nIdentityFile ${sshd.userKey}\nUserKnownHostsFile none\n`,
  );
  await desk.open(at(sshd));
});

test("openSsh() reaches a host at ::1", async () => {
  const sshd = await desk.sshd({ address: "::1" });
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
  const session = await desk.open(`root@[::1]:${sshd.port}`);
  expect((await session.exec(["id", "-un"])).stdout).toBe("root\n");
});

test("openSsh() refuses a key that is known for the address alone where another is known for address and port", async () => {
  const sshd = await host((it) => `[127.0.0.1]:${it.port} ${otherKey()}\n127.0.0.1 ${it.hostKey("ed25519")}\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: expect.stringMatching(/known are ssh-ed25519 \S+ \(\S+known:1\)$/),
  });
  const ssh = [
    "-F",
    `${desk.dir}/config`,
    "-o",
    "BatchMode=yes",
    "-o",
    "StrictHostKeyChecking=yes",
    "-p",
    `${sshd.port}`,
  ];
  expect(spawnSync("ssh", [...ssh, "root@127.0.0.1", "true"], { encoding: "utf8" })).toMatchObject({
    status: 255,
    stderr: expect.stringContaining("REMOTE HOST IDENTIFICATION HAS CHANGED"),
  });
});

test("openSsh() can be told to accept a second host behind an address whose first host is known", async () => {
  const sshd = await host(() => `127.0.0.1 ${otherKey()}\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY_UNKNOWN" });
  await desk.open(at(sshd), { acceptHostKey: shown(sshd) });
  await desk.open(at(sshd));
});

test("openSsh() refuses the keys of RevokedHostKeys, however well known", async () => {
  const sshd = await host((it) => it.knownLine(), `  RevokedHostKeys ${desk.dir}/revoked\n`);
  const other = otherKey();
  writeFileSync(join(desk.dir, "revoked"), `# stolen\n\n${other}\n`);
  await desk.open(at(sshd));
  writeFileSync(join(desk.dir, "revoked"), `# stolen\n\n${other}\n${sshd.hostKey("ed25519")} of web\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: expect.stringContaining(`the key is revoked (${desk.dir}/revoked:4)`),
  });
});

test.each([
  ["is missing", undefined, /ENOENT/],
  ["is a key revocation list", "SSHKRL\n\0 and more", /KRL/],
  ["holds what is no key", "rubbish\n", /line 1 is no public key/],
])("openSsh() trusts no host while the file of RevokedHostKeys %s", async (_, content, why) => {
  const sshd = await host((it) => it.knownLine(), `  RevokedHostKeys ${desk.dir}/revoked\n`);
  if (content !== undefined) writeFileSync(join(desk.dir, "revoked"), content);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: expect.stringMatching(why),
    hint: expect.stringContaining("as text, one a line"),
  });
});

test("openSsh() refuses where HostKeyAlgorithms allows only types that it cannot verify", async () => {
  const only = "sk-ssh-ed25519@openssh.com";
  const sshd = await host((it) => it.knownLine(), `  HostKeyAlgorithms ${only}\n`);
  await expect(desk.open(at(sshd))).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
    message: `127.0.0.1:${sshd.port}: HostKeyAlgorithms allows ${only}, and none of these can be verified here`,
  });
});
