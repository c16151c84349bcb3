import { once } from "node:events";
import { createServer } from "node:net";
import { Readable, Writable } from "node:stream";
import { expect, test, vi } from "vitest";
import type { SshSession } from "../../../src/session/ssh-session.ts";
import { useSshDesk } from "../../support/ssh-desk.ts";
import { type SshdOptions, startRelay } from "../../support/sshd.ts";

const desk = useSshDesk();

async function host(options?: SshdOptions, more = "") {
  const sshd = await desk.sshd(options);
  desk.known(`${sshd.knownLine()}127.0.0.1 ${sshd.hostKey("ed25519")}\n`);
  desk.config(desk.plain(sshd.userKey) + more);
  return sshd;
}

/** Resolves when the command has said something; the command is then in the middle. */
function begun(session: SshSession, argv: readonly string[]) {
  let seen = () => {};
  const started = new Promise<void>((resolve) => {
    seen = resolve;
  });
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      seen();
      done();
    },
  });
  const ended = session.exec(argv, { stdout, stdin: new Readable({ read: () => {} }) });
  ended.catch(() => {});
  return { started, ended };
}

/** Goes on for as long as its stdin is open: nothing is left of it when its connection is gone. */
const LONG = ["sh", "-c", "echo on; exec cat"];

test("SshSession.exec() says E_SESSION_LOST when the machine's sshd is killed under it", async () => {
  const sshd = await host();
  const session = await desk.open(`root@127.0.0.1:${sshd.port}`);
  const run = begun(session, LONG);
  await run.started;
  for (const pid of sshd.connections()) process.kill(pid, "SIGKILL");
  await expect(run.ended).rejects.toMatchObject({ code: "E_SESSION_LOST" });
  await session.closed;
});

test("SshSession.exec() says E_SESSION_LOST when packets are dropped for longer than keep-alive waits", async () => {
  const sshd = await host({}, "  ServerAliveInterval 1\n  ServerAliveCountMax 2\n");
  const relay = await startRelay(sshd.port);
  desk.after(() => relay.close());
  const session = await desk.open(`root@127.0.0.1:${relay.port}`);
  const run = begun(session, LONG);
  await run.started;
  relay.drop();
  await expect(run.ended).rejects.toMatchObject({
    code: "E_SESSION_LOST",
    message: expect.stringContaining("eepalive"),
  });
  await session.closed;
});

test("SshSession.close() ends a connection whose other side is out of reach, through a jump host too", async () => {
  const sshd = await host();
  const relay = await startRelay(sshd.port);
  desk.after(() => relay.close());
  const direct = await desk.open(`root@127.0.0.1:${relay.port}`);
  desk.config(`${desk.plain(sshd.userKey)}Host 127.0.0.1\n  ProxyJump root@localhost:${relay.port}\n`);
  desk.known(`* ${sshd.hostKey("ed25519")}\n`);
  const jumped = await desk.open(`root@127.0.0.1:${sshd.port}`);
  relay.drop();
  await Promise.all([direct.close(), jumped.close()]);
});

test("SshSession.exec() outlives packets that are dropped for a while", async () => {
  const sshd = await host();
  const relay = await startRelay(sshd.port);
  desk.after(() => relay.close());
  const session = await desk.open(`root@127.0.0.1:${relay.port}`);
  const run = begun(session, ["sh", "-c", "echo on; read -r word; exit 7"]);
  await run.started;
  relay.drop();
  const second = session.exec(["echo", "after"]);
  relay.resume();
  expect((await second).stdout).toBe("after\n");
});

test("openSsh() ends by its deadline at a port that accepts and says nothing", async () => {
  const mute = createServer(() => {}).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const ended = vi.fn();
  mute.on("connection", (socket) =>
    socket
      .on("close", ended)
      .on("error", () => {})
      .resume(),
  );
  desk.after(() => mute.close());
  desk.config("Host *\n  ConnectTimeout 1\n");
  const at = mute.address();
  const port = typeof at === "object" && at ? at.port : 0;
  await expect(desk.open(`root@127.0.0.1:${port}`)).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: `root@127.0.0.1:${port}: no session to root@127.0.0.1:${port}: there was no login within 1 s`,
  });
  await expect.poll(() => ended).toHaveBeenCalled();
});

test("openSsh() says E_SESSION_CONNECT where nobody listens, and where no name is known", async () => {
  await expect(desk.open("root@127.0.0.1:1")).rejects.toMatchObject({
    code: "E_SESSION_CONNECT",
    message: expect.stringContaining("ECONNREFUSED"),
  });
  await expect(desk.open("no-such-host.invalid")).rejects.toMatchObject({ code: "E_SESSION_CONNECT" });
});

test("openSsh() is ended by its signal with an AbortError, and leaves no connection", async () => {
  const sshd = await host();
  const abort = new AbortController();
  const opening = desk.open(`root@127.0.0.1:${sshd.port}`, {}, abort.signal);
  abort.abort("SIGINT");
  await expect(opening).rejects.toMatchObject({ name: "AbortError" });
  await expect.poll(() => sshd.connections()).toEqual([]);
});

test.each([10, 3, 1])("SshSession.exec() waits its turn where sshd has MaxSessions %d", async (most) => {
  const sshd = await host({ config: `MaxSessions ${most}` });
  const session = await desk.open(`root@127.0.0.1:${sshd.port}`);
  const words = Array.from({ length: 12 }, (_value, index) => `word ${index}\n`);
  const results = await Promise.all(words.map((stdin) => session.exec(["cat"], { stdin })));
  expect(results.map(({ stdout }) => stdout)).toEqual(words);
});

test("SshSession.exec() that waits its turn is ended by its signal, by a stdin that fails, and by a connection that breaks", async () => {
  const sshd = await host({ config: "MaxSessions 1" });
  const session = await desk.open(`root@127.0.0.1:${sshd.port}`);
  const run = begun(session, LONG);
  await run.started;
  const abort = new AbortController();
  const waiting = session.exec(["true"], { signal: abort.signal });
  const reason = new Error("the source is gone");
  const failing = session.exec(["cat"], { stdin: new Readable({ read: () => {} }).destroy(reason) });
  const last = session.exec(["true"]);
  abort.abort("SIGINT");
  await expect(waiting).rejects.toMatchObject({ name: "AbortError", cause: "SIGINT" });
  for (const pid of sshd.connections()) process.kill(pid, "SIGKILL");
  await expect(run.ended).rejects.toMatchObject({ code: "E_SESSION_LOST" });
  await expect(last).rejects.toMatchObject({ code: "E_SESSION_LOST" });
  await expect(failing).rejects.toBe(reason);
});

test("SshSession.exec() says what the machine said where it allows no channel at all", async () => {
  const sshd = await host({ config: "MaxSessions 0" });
  const session = await desk.open(`root@127.0.0.1:${sshd.port}`);
  await expect(session.exec(["true"])).rejects.toMatchObject({
    code: "E_SESSION_LOST",
    message: expect.stringContaining("open failed"),
  });
});
