import { afterEach, beforeAll, expect, test } from "vitest";
import type { Machine, Provider } from "../../../src/machine/machine.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { buildImage } from "../../../src/recipe/build/build-image.ts";
import { HYGIENE, hygieneScript } from "../../../src/seal/hygiene.ts";
import { needlesFor } from "../../../src/seal/needles.ts";
import { findUnclean } from "../../../src/seal/verify-clean.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});
const machines: Machine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.dispose();
});

/** Each leftover: what plants it, the row that takes it away, and what verify would call it (empty: it has no kind). */
const PLANTED: readonly (readonly [row: string, plant: string, kind: string])[] = [
  [
    "host-keys",
    "mkdir -p /etc/ssh; echo k >/etc/ssh/ssh_host_rsa_key; echo k >/etc/ssh/ssh_host_rsa_key.pub",
    "an SSH host key",
  ],
  [
    "build-key",
    'mkdir -p /root/.ssh /home/u/.ssh; echo "ssh-ed25519 $key build" | tee /root/.ssh/authorized_keys >/home/u/.ssh/authorized_keys; echo "ssh-ed25519 AAAAother me" >>/home/u/.ssh/authorized_keys',
    "the build's SSH key",
  ],
  [
    "machine-id",
    "echo 0123456789abcdef0123456789abcdef >/etc/machine-id; mkdir -p /var/lib/dbus; rm -f /var/lib/dbus/machine-id; echo x >/var/lib/dbus/machine-id",
    "a machine-id",
  ],
  [
    "host-name",
    'echo "$name" >/etc/hostname; printf "127.0.1.1 %s\\n192.0.2.1 kept\\n" "$name" >/etc/hosts',
    "the build machine's host name",
  ],
  ["cloud-init", "mkdir -p /var/lib/cloud/instance; echo i-1 >/var/lib/cloud/instance/id", "state of cloud-init"],
  [
    "histories",
    "echo mysql -psecret >/root/.bash_history; mkdir -p /home/u; echo x >/home/u/.python_history; echo 'shop:x:997:997::/srv/the shop:/bin/sh' >>/etc/passwd; mkdir -p '/srv/the shop/.local/share/fish'; echo x >'/srv/the shop/.bash_history'; echo x >'/srv/the shop/.local/share/fish/fish_history'; echo x >/root/.bash_history-00123.tmp",
    "a history",
  ],
  ["editor-files", "printf b0VIM >/root/.notes.swp", "an editor's swap file"],
  [
    "credentials",
    "mkdir -p /root/.aws/sso/cache /home/u/.docker; echo x >/root/.aws/credentials; echo x >/root/.aws/sso/cache/a; echo x >/home/u/.docker/config.json; echo x >/root/.netrc; echo //registry/:_authToken=x >/root/.npmrc; echo registry=x >/home/u/.npmrc; mkdir -p /root/.config/gh /root/.cargo; echo x >/root/.config/gh/hosts.yml; echo x >/root/.cargo/credentials.toml; echo aws_secret_access_key=x >/root/.aws/config",
    "credentials",
  ],
  [
    "logs",
    "mkdir -p /var/log/journal/x; echo x >/var/log/journal/x/system.journal; echo builder >/var/log/syslog; echo old >/var/log/syslog.1",
    "a log with content",
  ],
  ["temporary", "mkdir -p /var/tmp/x /var/crash; echo x >/var/tmp/x/y; echo x >/var/crash/core", ""],
  [
    "network",
    "mkdir -p /var/lib/dhcp /etc/udev/rules.d; echo lease >/var/lib/dhcp/dhclient.leases; echo r >/etc/udev/rules.d/70-persistent-net.rules",
    "a DHCP lease",
  ],
  [
    "ssm-agent",
    "mkdir -p /var/lib/amazon/ssm/i-0123 /var/log/amazon/ssm; echo x >/var/log/amazon/ssm/agent.log; echo x >/var/lib/amazon/ssm/i-0123/state",
    "a log with content",
  ],
  [
    "sudo",
    "mkdir -p /var/lib/sudo/ts /run/sudo/ts; echo x >/var/lib/sudo/ts/ops; echo x >/run/sudo/ts/ops",
    "a timestamp of sudo",
  ],
  ["random-seed", "mkdir -p /var/lib/systemd; echo seed >/var/lib/systemd/random-seed", "a random seed"],
  ["package-files", "mkdir -p /var/cache/apt/archives; echo deb >/var/cache/apt/archives/x.deb", ""],
  [
    "delivery",
    "mkdir -p /var/lib/bootlace/delivery/store /var/lib/bootlace/handoff /dev/shm/bootlace/secrets; echo x >/var/lib/bootlace/journal.damaged-1; echo x >/var/lib/bootlace/delivery/store/y; echo x >/var/lib/bootlace/handoff/result",
    "a run's record",
  ],
];

test("the build's key is taken from a user's file, which keeps its owner and mode, and nothing is written through a link", async () => {
  const dir = await makeProject({});
  const machine = await provider.launch({ name: "dev", dir, base: { kind: "host" }, purpose: "build" });
  machines.push(machine);
  const session = await machine.session();
  const plant = `key=AAAAbuildkey
for user in good link folder; do mkdir -p "/home/$user/.ssh"; done
printf 'ssh-ed25519 %s build\\nssh-ed25519 AAAAown me\\n' "$key" | tee /home/good/.ssh/authorized_keys /etc/victim >/home/link/.ssh/own
chown 1234:1234 /home/good/.ssh/authorized_keys; chmod 640 /home/good/.ssh/authorized_keys
ln -s /etc/victim /home/link/.ssh/authorized_keys; ln -s /etc/victim /home/good/.ssh/authorized_keys.sealed
rmdir /home/folder/.ssh; mkdir /etc/elsewhere; cp /etc/victim /etc/elsewhere/authorized_keys; ln -s /etc/elsewhere /home/folder/.ssh`;
  expect((await session.exec(["sh", "-euc", plant])).stderr).toBe("");
  const sealed = await session.exec(["sh", "-c", hygieneScript(), "seal", "AAAAbuildkey"]);
  expect([sealed.exit, sealed.stderr]).toEqual([0, ""]);
  const look =
    "stat -c '%a %u' /home/good/.ssh/authorized_keys; cat /home/good/.ssh/authorized_keys; grep -c AAAAbuildkey /etc/victim /etc/elsewhere/authorized_keys";
  expect((await session.exec(["sh", "-c", look])).stdout).toBe(
    "640 1234\nssh-ed25519 AAAAown me\n/etc/victim:1\n/etc/elsewhere/authorized_keys:1\n",
  );
  await session.close();
});

test("the hygiene table and the planted leftovers name the same rows", () => {
  expect(PLANTED.map(([row]) => row).sort()).toEqual(HYGIENE.map(({ id }) => id).sort());
});

test("of every leftover that is planted verify finds each kind before, and none survives the hygiene", async () => {
  const dir = await makeProject({});
  const machine = await provider.launch({
    name: "dev",
    dir,
    base: { kind: "host" },
    purpose: "build",
    hostname: "builder-0123456789",
  });
  machines.push(machine);
  const identity = await machine.identity();
  const named = (wanted: string) => identity.find(({ name }) => name === wanted)?.value ?? "";
  const [key, name] = [named("the build's SSH key"), named("the build machine's host name")];
  const session = await machine.session();
  for (const [, plant] of PLANTED) {
    const done = await session.exec(["sh", "-euc", `key=$1 name=$2\n${plant}`, "sh", key, name]);
    expect([plant, done.exit, done.stderr]).toEqual([plant, 0, ""]);
  }
  const needles = identity.flatMap(needlesFor);
  const layer = (await machine.contents()) ?? { kind: "folder", path: "" };
  const before = await findUnclean(layer, needles);
  for (const [row, , kind] of PLANTED)
    if (kind) expect([row, before.map(({ what }) => what)]).toEqual([row, expect.arrayContaining([kind])]);
  const sealed = await session.exec(["sh", "-c", hygieneScript(), "seal", key, name]);
  expect([sealed.exit, sealed.stderr]).toEqual([0, ""]);
  expect(await findUnclean(layer, needles)).toEqual([]);
  const look = await session.exec([
    "sh",
    "-c",
    "ls -A -I 'bootlace-sandbox-*' /var/tmp /var/crash /var/cache/apt/archives/*.deb /var/lib/bootlace /root/.aws 2>/dev/null; wc -c </etc/machine-id; cat /home/u/.ssh/authorized_keys; wc -c </var/log/syslog; ls /var/log/syslog.1 2>&1 | grep -c No; sh -c '[ -e /root/.ssh/authorized_keys ] || echo none'; ls /dev/shm; cat /home/u/.npmrc /etc/hostname /etc/hosts",
  ]);
  expect(look.stdout).toBe(
    "/root/.aws:\nsso\n\n/var/crash:\n\n/var/lib/bootlace:\n\n/var/tmp:\n0\nssh-ed25519 AAAAother me\n0\n1\nnone\nregistry=x\n192.0.2.1 kept\n",
  );
  await session.close();
});

const finds = async (dir: string, env: Record<string, string> = {}): Promise<string> => {
  Object.assign(process.env, env);
  const signal = new AbortController().signal;
  try {
    await buildImage({ dir, image: "base", provider, report: () => {}, signal });
    return "built";
  } catch (error) {
    return error instanceof Error ? `${(error as { code?: string }).code} ${error.message}` : String(error);
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
};

const leaking = (init: string) => ({
  ...SMALL,
  "bootlace.yaml": `${SMALL["bootlace.yaml"]}secrets: {base.token: "env:BOOTLACE_TEST_TOKEN"}\n`,
  "services/base/service.yaml": `description: Base\nsecrets: {token: {phases: [init]}}\ninit: |\n  ${init.replaceAll("\n", "\n  ")}\n`,
});
const TOKEN = 'pä"ss/wörd+0123456789';

test.each([
  ["raw", 'cat "$BOOTLACE_CREDENTIALS/token" >/srv/leak'],
  ["inside base64", '(printf "user:"; cat "$BOOTLACE_CREDENTIALS/token"; printf ":end") | base64 -w0 >/srv/leak'],
  ["in a service's own folder", 'cat "$BOOTLACE_CREDENTIALS/token" >"$BOOTLACE_STATE/leak"'],
])(
  "an image fails that holds a secret %s, and the file is named, and the service where it is known",
  async (form, init) => {
    const dir = await makeProject(leaking(init));
    const said = await finds(dir, { BOOTLACE_TEST_TOKEN: TOKEN });
    expect(said).toMatch(/^E_IMAGE_NOT_CLEAN/);
    expect(said).toContain("the secret base.token");
    expect(said).toContain(form.startsWith("in a") ? "(service base)" : "/srv/leak");
    expect(said).not.toContain(TOKEN);
  },
);

test("an image fails that holds a user's private key or the builder's identity", async () => {
  const dir = await makeProject({
    ...SMALL,
    "services/base/service.yaml":
      "description: Base\ninit: |\n  mkdir -p /root/.ssh\n  printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\\n' >/root/.ssh/id_ed25519\n  cat /etc/machine-id >/srv/who\n",
  });
  const said = await finds(dir);
  expect(said).toContain("/root/.ssh/id_ed25519: a private key");
  expect(said).toContain("/srv/who: the build machine's machine-id");
});

test("needlesFor() gives nothing for values so short that they stand everywhere by chance", () => {
  expect(needlesFor({ name: "pin", value: "1234" })).toEqual([]);
});
