import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readSshSettings } from "../../../src/session/ssh-settings.ts";

let dir: string;
const home = userInfo().homedir;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bootlace-config-"));
  vi.stubEnv("BOOTLACE_SSH_CONFIG", join(dir, "config"));
  vi.stubEnv("SSH_AUTH_SOCK", "/run/an-agent");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});
const config = (text: string) => writeFileSync(join(dir, "config"), text);

test("readSshSettings() reads Host, Match and Include as ssh(1) does", async () => {
  writeFileSync(join(dir, "more"), "Host web\n  User ops\n");
  config(`Include ${dir}/more
Host web
  User late
  HostName web-%h.example
  Port 2222
  ProxyJump a@j1:33,j2
  HostKeyAlias shop
  ConnectTimeout 7
  ServerAliveInterval 5
Match originalhost web user ops
  IdentitiesOnly yes
  UserKnownHostsFile ~/.ssh/kh_%h /etc/kh
  GlobalKnownHostsFile none
`);
  expect(await readSshSettings("web")).toMatchObject({
    typed: "web",
    host: "web-web.example",
    user: "ops",
    port: 2222,
    proxyJump: "a@j1:33,j2",
    hostKeyAlias: "shop",
    connectTimeout: 7000,
    keepAlive: 5000,
    keepAliveMisses: 3,
    identitiesOnly: true,
    knownHosts: [`${home}/.ssh/kh_web-web.example`, "/etc/kh"],
    configured: true,
  });
});

test("readSshSettings() expands ~ and tokens of identity files, which ssh -G leaves", async () => {
  config(
    'Host web\n  HostName 10.0.0.5\n  User ops\n  IdentityFile ~/keys/%r@%h_%n-%p%%\n  IdentityFile "/my keys/one"\n',
  );
  expect((await readSshSettings("web")).identityFiles).toEqual([`${home}/keys/ops@10.0.0.5_web-22%`, "/my keys/one"]);
});

test("readSshSettings() lets what is typed go before the configuration, and a project's login before its User", async () => {
  config("Host web\n  User ops\n  Port 2222\n");
  expect(await readSshSettings("me@web:44")).toMatchObject({ user: "me", port: 44 });
  expect(await readSshSettings("web", "admin")).toMatchObject({ user: "admin", port: 2222 });
  expect(await readSshSettings("me@web", "admin")).toMatchObject({ user: "me" });
});

test("readSshSettings() finds the agent that IdentityAgent names, and none where it says none", async () => {
  config(`Host none\n  IdentityAgent none\nHost own\n  IdentityAgent ${dir}/%h\nHost var\n  IdentityAgent $MY_AGENT\n`);
  vi.stubEnv("MY_AGENT", "/run/mine");
  const agents = await Promise.all(
    ["any", "none", "own", "var"].map(async (name) => (await readSshSettings(name)).agent),
  );
  expect(agents).toEqual(["/run/an-agent", undefined, join(dir, "own"), "/run/mine"]);
});

test("readSshSettings() says in ssh's own words what is wrong with a configuration", async () => {
  config("Host web\n  Prot 22\n");
  await expect(readSshSettings("web")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringContaining("Bad configuration option: prot"),
  });
});

test("readSshSettings() goes by defaults where there is no ssh, and says so", async () => {
  vi.stubEnv("PATH", dir);
  expect(await readSshSettings("ops@web:2222")).toMatchObject({
    host: "web",
    user: "ops",
    port: 2222,
    agent: "/run/an-agent",
    identityFiles: ["id_rsa", "id_ecdsa", "id_ed25519"].map((name) => `${home}/.ssh/${name}`),
    configured: false,
  });
});
