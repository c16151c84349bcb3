import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { identifyProcess } from "../../../src/machine/process-identity.ts";
import { useSshDesk } from "../../support/ssh-desk.ts";
import { type Sshd, startRelay } from "../../support/sshd.ts";

const desk = useSshDesk();

/** Names in front of the plain configuration: how each host is reached. */
const named = (name: string, sshd: Sshd, more = "") =>
  `Host ${name}\n  HostName ${sshd.address}\n  Port ${sshd.port}\n  User root\n  IdentityFile ${sshd.userKey}\n${more}`;

/** Whether a process of that group is left, be it one that nobody has reaped yet. */
function hasGroup(id: number): boolean {
  try {
    return process.kill(-id, 0);
  } catch {
    return false;
  }
}

const common = () =>
  `Host *\n  IdentityAgent none\n  UserKnownHostsFile ${desk.dir}/known\n  GlobalKnownHostsFile none\n`;

test("openSsh() goes through two jump hosts, each with its own key, login and known host key", async () => {
  const [one, two, goal] = [
    await desk.sshd(),
    await desk.sshd({ address: "127.0.0.2" }),
    await desk.sshd({ address: "127.0.0.3" }),
  ];
  desk.known([one, two, goal].map((sshd) => sshd.knownLine()).join(""));
  desk.config(
    named("one", one) +
      named("goal", goal, `  ProxyJump one,root@127.0.0.2:${two.port}\n`) +
      named("127.0.0.2", two) +
      common(),
  );
  const session = await desk.open("goal");
  expect((await session.exec(["sh", "-c", "echo $SSH_CONNECTION"])).stdout).toContain(` 127.0.0.3 ${goal.port}`);
  expect([one, two, goal].map((sshd) => sshd.connections().length)).toEqual([1, 1, 1]);
  await session.close();
  await expect.poll(() => [one, two, goal].flatMap((sshd) => sshd.connections())).toEqual([]);
});

test("openSsh() follows the ProxyJump that a jump host itself has", async () => {
  const [one, two, goal] = [await desk.sshd(), await desk.sshd(), await desk.sshd()];
  desk.known([one, two, goal].map((sshd) => sshd.knownLine()).join(""));
  desk.config(
    named("one", one) + named("two", two, "  ProxyJump one\n") + named("goal", goal, "  ProxyJump two\n") + common(),
  );
  await desk.open("goal");
  expect(one.connections()).toHaveLength(1);
});

test("openSsh() refuses an unknown key of a jump host, and names that host", async () => {
  const [one, goal] = [await desk.sshd(), await desk.sshd()];
  desk.known(goal.knownLine());
  desk.config(named("one", one) + named("goal", goal, "  ProxyJump one\n") + common());
  await expect(desk.open("goal")).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY_UNKNOWN",
    message: expect.stringContaining(`127.0.0.1:${one.port}`),
  });
  expect(goal.log()).not.toContain("Connection from");
});

test("openSsh() says which jump host could not go on, and leaves no connection to it", async () => {
  const one = await desk.sshd();
  desk.known(one.knownLine());
  desk.config(`${named("one", one)}Host goal\n  HostName 127.0.0.1\n  Port 1\n  ProxyJump one\n${common()}`);
  await expect(desk.open("goal")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringMatching(/^goal: no session to \w+@127\.0\.0\.1:1: .*by way of one/),
  });
  await expect.poll(() => one.connections()).toEqual([]);
});

test("openSsh() sees that jump hosts lead in a circle", async () => {
  desk.config(`Host one\n  ProxyJump two\nHost two\n  ProxyJump one\n${common()}`);
  await expect(desk.open("one")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringContaining("more than 8 jump hosts"),
  });
  desk.config(`Host *\n  ProxyJump bastion\n${common()}`);
  await expect(desk.open("goal")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringContaining("jumphost loop via bastion"),
  });
});

test("openSsh() runs a ProxyCommand with ssh's tokens, and ends it with the session", async () => {
  const sshd = await desk.sshd();
  desk.known(`goal.example ${sshd.hostKey("ed25519")}\n`);
  const relay = join(desk.dir, "relay.mjs");
  writeFileSync(relay, relayText(sshd.port));
  desk.config(
    `Host goal\n  HostName %h.example\n  User root\n  ProxyCommand ${process.execPath} ${relay} ${desk.dir}/said %n %h %p %r %% "a b"\n  IdentityFile ${sshd.userKey}\n${common()}`,
  );
  const session = await desk.open("goal");
  expect((await session.exec(["echo", "through"])).stdout).toBe("through\n");
  const [pid, ...words] = readFileSync(join(desk.dir, "said"), "utf8").split("\n");
  expect(words).toEqual(["goal", "goal.example", "22", "root", "%", "a b"]);
  await session.close();
  await expect.poll(() => identifyProcess(Number(pid))).toBeUndefined();
});

test("openSsh() takes the line that AWS documents for Session Manager", async () => {
  const sshd = await desk.sshd();
  desk.known(`i-0123456789abcdef0 ${sshd.hostKey("ed25519")}\n`);
  const bin = join(desk.dir, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "relay.mjs"), relayText(sshd.port));
  writeFileSync(join(bin, "aws"), `#!/bin/sh\nexec ${process.execPath} ${bin}/relay.mjs ${desk.dir}/said "$@"\n`, {
    mode: 0o755,
  });
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
  desk.after(() => vi.unstubAllEnvs());
  desk.config(`# SSH over Session Manager
Host i-* mi-*
    ProxyCommand sh -c "aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters 'portNumber=%p'"
    User root
    IdentityFile ${sshd.userKey}
${common()}`);
  const session = await desk.open("i-0123456789abcdef0");
  const blob = "x".repeat(3_000_000);
  expect((await session.exec(["wc", "-c"], { stdin: blob })).stdout.trim()).toBe("3000000");
  expect(readFileSync(join(desk.dir, "said"), "utf8").split("\n").slice(1)).toEqual([
    ...["ssm", "start-session", "--target", "i-0123456789abcdef0"],
    ...["--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=22"],
  ]);
});

test("openSsh() shows what a ProxyCommand said when it fails", async () => {
  desk.config(
    `Host goal\n  ProxyCommand sh -c "echo 'TargetNotConnected: %h is not connected' >&2; exit 254"\n${common()}`,
  );
  await expect(desk.open("goal")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringMatching(/the ProxyCommand ended with exit 254: TargetNotConnected: goal is not connected/),
  });
});

test("openSsh() ends a ProxyCommand that says nothing, with what it started, by the deadline", async () => {
  desk.config(
    `Host goal\n  ConnectTimeout 1\n  ProxyCommand sh -c "echo $$ >${desk.dir}/pid; sleep 600; true"\n${common()}`,
  );
  await expect(desk.open("goal")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringContaining("there was no login within 1 s"),
  });
  const pid = Number(readFileSync(join(desk.dir, "pid"), "utf8"));
  // All are killed by now; init may still be about to reap them.
  await expect.poll(() => hasGroup(pid)).toBe(false);
});

test("openSsh() through a relay goes by the key of the name in the configuration", async () => {
  const sshd = await desk.sshd();
  const relay = await startRelay(sshd.port);
  desk.after(() => relay.close());
  desk.known(`shop ${sshd.hostKey("ed25519")}\n`);
  desk.config(
    `Host shop\n  HostName 127.0.0.1\n  Port ${relay.port}\n  HostKeyAlias shop\n${desk.plain(sshd.userKey)}`,
  );
  await desk.open("root@shop");
});

/** Writes its pid and arguments to the file named first, then carries stdin and stdout to a port. */
function relayText(port: number): string {
  return `import { connect } from "node:net";
import { writeFileSync } from "node:fs";
const [file, ...words] = process.argv.slice(2);
writeFileSync(file, [process.pid, ...words].join("\\n"));
const socket = connect(${port}, "127.0.0.1");
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("close", () => process.exit(0));
`;
}
