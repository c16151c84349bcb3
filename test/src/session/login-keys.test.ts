import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useSshDesk } from "../../support/ssh-desk.ts";
import { makeKey, type Sshd } from "../../support/sshd.ts";

const desk = useSshDesk();

async function host(): Promise<Sshd> {
  const sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  return sshd;
}

/** A key that the host accepts; its file. */
function authorised(sshd: Sshd, name: string, type: "ed25519" | "rsa" | "ecdsa", ...more: string[]): string {
  const file = join(desk.dir, name);
  makeKey(file, type, ...more);
  appendFileSync(join(sshd.dir, "authorized_keys"), readFileSync(`${file}.pub`));
  return file;
}

const logsIn = async (sshd: Sshd, access = {}) =>
  (await (await desk.open(`root@127.0.0.1:${sshd.port}`, access)).exec(["echo", "in"])).stdout;

test.each([
  ["ed25519", []],
  ["rsa", []],
  ["ecdsa", []],
  ["rsa", ["-m", "PEM"]],
  ["ecdsa", ["-m", "PEM"]],
  ["rsa", ["-m", "PKCS8"]],
] as const)("openSsh() logs in with a key of ssh-keygen -t %s %j, plain and encrypted", async (type, more) => {
  const sshd = await host();
  const plain = authorised(sshd, "plain", type, ...more);
  desk.config(desk.plain(plain));
  expect(await logsIn(sshd)).toBe("in\n");
  const locked = authorised(sshd, "locked", type, ...more, "-N", "open sesame");
  desk.config(desk.plain(locked));
  expect(await logsIn(sshd, { askSecret: async () => "open sesame" })).toBe("in\n");
});

test("openSsh() asks for a passphrase once a file, and only of a key that the host would take", async () => {
  const sshd = await host();
  const foreign = join(desk.dir, "foreign");
  makeKey(foreign, "ed25519", "-N", "other words");
  const locked = authorised(sshd, "mine", "ed25519", "-N", "open sesame");
  desk.config(`Host *\n  IdentityFile ${foreign}\n${desk.plain(locked)}`);
  const asked: string[] = [];
  const answers = ["wrong", "open sesame"];
  const askSecret = async (question: string) => {
    asked.push(question);
    return answers.shift();
  };
  const both = await Promise.all([logsIn(sshd, { askSecret }), logsIn(sshd, { askSecret })]);
  expect(both).toEqual(["in\n", "in\n"]);
  expect(asked).toEqual([`Passphrase of ${locked}`, `Passphrase of ${locked}, which the last one did not open`]);
});

test("openSsh() without a terminal skips a key with a passphrase, names it, and tries the next", async () => {
  const sshd = await host();
  const locked = authorised(sshd, "mine", "ed25519", "-N", "open sesame");
  desk.config(desk.plain(locked));
  const failed = expect(logsIn(sshd)).rejects;
  await failed.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringContaining(`${locked} was skipped: it has a passphrase, and nobody can be asked`),
    hint: expect.stringContaining("ssh-copy-id"),
  });
  desk.config(`${desk.plain(locked)}  IdentityFile ${authorised(sshd, "next", "rsa")}\n`);
  expect(await logsIn(sshd)).toBe("in\n");
});

test("openSsh() says which keys were of no use, and what the host takes", async () => {
  const sshd = await host();
  const foreign = join(desk.dir, "foreign");
  makeKey(foreign, "ed25519");
  desk.config(desk.plain(foreign));
  await expect(logsIn(sshd)).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringMatching(/the host refused the login; 1 key was offered; it takes publickey$/),
  });
});

test("openSsh() logs in with a key of the agent alone, and with IdentitiesOnly only with one that is configured", async () => {
  const sshd = await host();
  const inAgent = authorised(sshd, "agents", "rsa");
  const socket = join(desk.dir, "agent.sock");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  desk.after(() => agent.kill());
  await once(agent.stdout, "data");
  execFileSync("ssh-add", ["-q", inAgent], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: "ignore" });
  rmSync(inAgent);
  const using = `UserKnownHostsFile ${desk.dir}/known\nIdentityAgent ${socket}\n`;
  desk.config(using);
  expect(await logsIn(sshd)).toBe("in\n");
  desk.config(`${using}IdentitiesOnly yes\nIdentityFile ${desk.dir}/none\n`);
  await expect(logsIn(sshd)).rejects.toMatchObject({ message: expect.stringContaining("no key was at hand") });
  // Only the public half in a file names a key of the agent, as for ssh(1).
  copyFileSync(`${inAgent}.pub`, join(desk.dir, "named.pub"));
  desk.config(`${using}IdentitiesOnly yes\nIdentityFile ${desk.dir}/named\n`);
  expect(await logsIn(sshd)).toBe("in\n");
});

test("openSsh() names an agent that does not answer and goes on with the files", async () => {
  const sshd = await host();
  const known = `UserKnownHostsFile ${desk.dir}/known\nIdentityAgent ${desk.dir}/gone.sock\n`;
  desk.config(`${known}IdentityFile ${sshd.userKey}\n`);
  expect(await logsIn(sshd)).toBe("in\n");
  desk.config(`${known}IdentityFile ${desk.dir}/none\n`);
  await expect(logsIn(sshd)).rejects.toMatchObject({
    message: expect.stringContaining(`the agent at ${desk.dir}/gone.sock did not answer`),
  });
});
