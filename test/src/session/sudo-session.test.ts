import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { becomeRoot, type SudoMemory } from "../../../src/session/become-root.ts";
import { Hidden } from "../../../src/session/hidden.ts";
import type { Session } from "../../../src/session/session.ts";
import { type LoginUser, makeLoginUser } from "../../support/login-user.ts";
import { useSshDesk } from "../../support/ssh-desk.ts";

const desk = useSshDesk();

/** A session of a login user of whom sudoers says this. */
async function login(sudoers?: string): Promise<{ session: Session; user: LoginUser }> {
  const user = makeLoginUser(sudoers);
  desk.after(() => user.remove());
  const sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
  return { session: await desk.open(`${user.name}@127.0.0.1:${sshd.port}`), user };
}

const never = async () => {
  throw new Error("Nobody should be asked");
};

test("becomeRoot() gives root's session back as it is", async () => {
  const sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
  const session = await desk.open(`root@127.0.0.1:${sshd.port}`);
  expect(await becomeRoot(session, {}, never)).toBe(session);
});

test("SudoSession.exec() runs as root, with root's home, words and exit code untouched", async () => {
  const { session } = await login("ALL=(ALL) NOPASSWD: ALL");
  const root = await becomeRoot(session, {}, never);
  const result = await root.exec(["sh", "-c", 'id -u; echo "$HOME"; cat; echo "$1" >&2; exit 3', "sh", "a 'b' $c"], {
    stdin: "in",
  });
  expect(result).toEqual({ exit: 3, stdout: "0\n/root\nin", stderr: "a 'b' $c\n" });
});

const secret = "ALL=(ALL) ALL";

test("SudoSession.exec() with a password asks once, and every byte of stdin reaches the command", async () => {
  const { session, user } = await login(secret);
  const asked: string[] = [];
  const memory: SudoMemory = {};
  const ask = async (question: string) => {
    asked.push(question);
    return user.password;
  };
  const root = await becomeRoot(session, memory, ask);
  const blob = Buffer.concat([Buffer.from("\n\0\r\nbootlace-x\n"), randomBytes(3_000_000)]);
  const sum = `${createHash("sha256").update(blob).digest("hex")}  -\n`;
  expect((await root.exec(["sha256sum"], { stdin: blob })).stdout).toBe(sum);
  const parts = Readable.from([blob.subarray(0, 7), blob.subarray(7, 100_000), blob.subarray(100_000)]);
  expect((await root.exec(["sha256sum"], { stdin: parts })).stdout).toBe(sum);
  expect(await root.exec(["sh", "-c", "cat; id -u; exit 7"])).toEqual({ exit: 7, stdout: "0\n", stderr: "" });
  await becomeRoot(session, memory, never);
  expect(asked).toEqual([`Password for sudo on ${session.target}`]);
  expect(`${inspect(memory)}${JSON.stringify(memory)}${inspect(root, { depth: 9 })}`).not.toContain(user.password);
});

test("SudoSession.exec() gives the password to no command, nor shows it among processes", async () => {
  const { session, user } = await login(secret);
  const root = await becomeRoot(session, {}, async () => user.password);
  const seen = await root.exec([
    "sh",
    "-c",
    "cat; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
  ]);
  expect(seen.stdout).toContain("sudo");
  expect(seen.stdout).not.toContain(user.password);
});

test("SudoSession.exec() does not hand the password on where sudoers wants none for the shell", async () => {
  const { session, user } = await login("ALL=(ALL) ALL, NOPASSWD: /bin/sh, /usr/bin/sh");
  const { SudoSession } = await import("../../../src/session/sudo-session.ts");
  const root = new SudoSession(session, new Hidden(user.password));
  expect(await root.exec(["cat"], { stdin: "mine" })).toEqual({ exit: 0, stdout: "mine", stderr: "" });
});

test("SudoSession.exec() fails with the reason of a stdin that fails", async () => {
  const { session, user } = await login(secret);
  const root = await becomeRoot(session, {}, async () => user.password);
  const reason = new Error("the source is gone");
  const source = Readable.from(
    (async function* () {
      yield "some";
      throw reason;
    })(),
  );
  await expect(root.exec(["cat"], { stdin: source })).rejects.toBe(reason);
});

test.each(["ALL=(ALL) NOPASSWD: ALL", secret])(
  "SudoSession.exec() ends root's process by its signal (%s)",
  async (sudoers) => {
    const { session, user } = await login(sudoers);
    const root = await becomeRoot(session, {}, async () => user.password);
    const abort = new AbortController();
    let pid = 0;
    const seen = new Writable({
      write(chunk: Buffer, _encoding, done) {
        pid = Number(chunk.toString());
        abort.abort("SIGINT");
        done();
      },
    });
    const run = root.exec(["sh", "-c", "echo $$; exec sleep 600"], { stdout: seen, signal: abort.signal });
    await expect(run).rejects.toMatchObject({ name: "AbortError", cause: "SIGINT" });
    // TERM was sent before exec() rejected; the kernel may still be about to reap it.
    await expect.poll(() => stateOf(pid)).toMatch(/^(gone|Z)$/);
    expect((await root.exec(["id", "-u"])).stdout).toBe("0\n");
  },
);

test.each([
  ["a wrong password", secret, async () => "wrong", /incorrect password attempt/],
  ["nobody to ask", secret, async () => undefined, /wants a password, and nobody can be asked for it/],
])("becomeRoot() says E_SESSION_SUDO for %s", async (_case, sudoers, ask, message) => {
  const { session } = await login(sudoers);
  await expect(becomeRoot(session, {}, ask)).rejects.toMatchObject({
    code: "E_SESSION_SUDO",
    message: expect.stringMatching(message),
  });
});

test("becomeRoot() says so where sudoers does not know the user, who gave the right password", async () => {
  const { session, user } = await login();
  await expect(becomeRoot(session, {}, async () => user.password)).rejects.toMatchObject({
    code: "E_SESSION_SUDO",
    message: expect.stringContaining(`${user.name} is not in the sudoers file`),
  });
});

test("becomeRoot() says that a host has no sudo", async () => {
  const { session } = await login("ALL=(ALL) NOPASSWD: ALL");
  const bare: Session = Object.assign(Object.create(session), {
    exec: (argv: readonly string[], options: object) =>
      session.exec(["env", "PATH=/nowhere:/usr/games", "/usr/bin/env", ...pathless(argv)], options),
  });
  await expect(becomeRoot(bare, {}, never)).rejects.toMatchObject({
    code: "E_SESSION_SUDO",
    message: expect.stringContaining("there is no sudo on it"),
  });
});

/** The same command where only sh and id can be found. */
const pathless = (argv: readonly string[]) =>
  argv[0] === "sh" ? ["/bin/sh", "-c", `id() { /usr/bin/id "$@"; }; ${argv[2]}`] : argv;

function stateOf(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
  } catch {
    return "gone";
  }
}
