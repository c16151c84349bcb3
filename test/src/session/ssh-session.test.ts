import { createHash, randomBytes } from "node:crypto";
import { Readable, Writable } from "node:stream";
import { expect, test } from "vitest";
import { connectSsh } from "../../../src/session/connect-ssh.ts";
import { makeSshKey } from "../../../src/session/ssh-key.ts";
import { type SshHost, startSshHost } from "../../support/ssh-host.ts";

const address = (host: SshHost) => ({
  host: "127.0.0.1",
  port: host.port,
  user: "root",
  privateKey: host.userKey.private,
  hostKeys: [host.hostKey.public],
  target: "the test host",
});
const connect = (host: SshHost, more = {}) => connectSsh({ ...address(host), ...more });

/** Goes on for as long as its stdin is open: nothing is left of it when its connection is gone. */
const LONG = ["sh", "-c", "echo on; exec cat"];
const open = () => new Readable({ read: () => {} });

test("SshSession.exec() gives stdin, takes stdout, stderr and the exit code, and a failing command is no exception", async () => {
  const session = await connect(await startSshHost());
  const result = await session.exec(["sh", "-c", 'cat; echo "$1" >&2; exit 3', "sh", "a 'b' $c"], { stdin: "in" });
  expect(result).toEqual({ exit: 3, stdout: "in", stderr: "a 'b' $c\n" });
  await session.close();
});

test("SshSession.exec() loses no exit code of a hundred commands that end at once", async () => {
  const session = await connect(await startSshHost());
  const exits = await Promise.all(Array.from({ length: 8 }, () => session.exec(["sh", "-c", "exit 7"])));
  for (let count = 0; count < 92; count += 1) exits.push(await session.exec(["sh", "-c", "exit 7"]));
  expect(new Set(exits.map(({ exit }) => exit))).toEqual(new Set([7]));
  await session.close();
});

test("SshSession.exec() uploads no faster than the machine reads, byte for byte", async () => {
  const session = await connect(await startSshHost());
  const blob = randomBytes(1 << 20);
  let given = 0;
  const source = Readable.from(
    (function* () {
      for (; given < 24; given += 1) yield blob;
    })(),
    { highWaterMark: 1 },
  );
  const hash = createHash("sha256");
  for (let part = 0; part < 24; part += 1) hash.update(blob);
  // The reader holds still until it is told: what was given by then is all that was in flight.
  const ended = session.exec(["sh", "-c", "read -r line </dev/stdin; true"], { stdin: source });
  await ended;
  expect(given).toBeLessThan(24);
  const sum = await session.exec(["sha256sum"], { stdin: Readable.from(Array.from({ length: 24 }, () => blob)) });
  expect(sum.stdout.split(" ")[0]).toBe(hash.digest("hex"));
  await session.close();
});

test("SshSession.exec() fails with the reason of a stdin that fails, not with that of the channel", async () => {
  const session = await connect(await startSshHost());
  const reason = new Error("the source is gone");
  const source = Readable.from(
    (async function* () {
      yield "some";
      throw reason;
    })(),
  );
  await expect(session.exec(["cat"], { stdin: source })).rejects.toBe(reason);
  await session.close();
});

test("SshSession.exec() streams output to a writer and waits for a slow one", async () => {
  const session = await connect(await startSshHost());
  let bytes = 0;
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      setImmediate(done);
    },
  });
  const result = await session.exec(["head", "-c", "3000000", "/dev/zero"], { stdout: slow });
  expect([result.exit, bytes]).toEqual([0, 3_000_000]);
  await session.close();
});

test("connectSsh() refuses a machine that shows another host key, before it logs in", async () => {
  const host = await startSshHost();
  await expect(connect(host, { hostKeys: [makeSshKey("other").public] })).rejects.toMatchObject({
    code: "E_SESSION_HOST_KEY",
  });
  await expect(connect(host, { hostKeys: [] })).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY" });
});

test("connectSsh() says E_SESSION_CONNECT where nobody listens", async () => {
  const host = await startSshHost();
  await expect(connect({ ...host, port: 1 })).rejects.toMatchObject({ code: "E_SESSION_CONNECT" });
});

test("SshSession.exec() says E_SESSION_LOST when the connection breaks under it and afterwards", async () => {
  const host = await startSshHost();
  const session = await connect(host);
  const seen = new Writable({
    write(_chunk, _encoding, done) {
      host.drop();
      done();
    },
  });
  await expect(session.exec(LONG, { stdin: open(), stdout: seen })).rejects.toMatchObject({
    code: "E_SESSION_LOST",
  });
  await session.closed;
  await expect(session.exec(["true"])).rejects.toMatchObject({ code: "E_SESSION_LOST" });
});

test("SshSession.exec() is ended by its signal with an AbortError that knows the cause", async () => {
  const session = await connect(await startSshHost());
  const abort = new AbortController();
  const seen = new Writable({
    write(_chunk, _encoding, done) {
      abort.abort("SIGINT");
      done();
    },
  });
  const run = session.exec(LONG, { stdin: open(), stdout: seen, signal: abort.signal });
  await expect(run).rejects.toMatchObject({ name: "AbortError", cause: "SIGINT" });
  expect((await session.exec(["echo", "alive"])).stdout).toBe("alive\n");
  await session.close();
});

test("connectSsh() with a signal that was given already opens no socket that nobody owns", async () => {
  const host = await startSshHost();
  const opened = host.accepted;
  // A port where nobody listens: its refusal would be nobody's to catch.
  await expect(connectSsh({ ...address(host), port: 1 }, AbortSignal.abort("SIGINT"))).rejects.toMatchObject({
    name: "AbortError",
  });
  await expect(connectSsh(address(host), AbortSignal.abort("SIGINT"))).rejects.toMatchObject({ name: "AbortError" });
  await (await connect(host)).close();
  expect(host.accepted).toBe(opened + 1);
});
