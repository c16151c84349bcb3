import { expect, onTestFinished, test } from "vitest";
import { answerWithin } from "../../../src/fleet/answer-within.ts";
import { seenIn } from "../../../src/fleet/look.ts";
import { connectSsh } from "../../../src/session/connect-ssh.ts";
import { runChecked } from "../../../src/session/run-checked.ts";
import { startSshHost } from "../../support/ssh-host.ts";

async function open() {
  const { port, hostKey, userKey } = await startSshHost();
  const session = await connectSsh({
    host: "127.0.0.1",
    port,
    user: "root",
    privateKey: userKey.private,
    hostKeys: [hostKey.public],
    target: "host",
  });
  onTestFinished(() => session.close());
  return session;
}

test("answerWithin() counts a host that answers nothing as out of reach, though its connection stands", async () => {
  const session = await open();
  const asked = answerWithin(50, "host", (signal) => runChecked(session, ["sleep", "600"], { signal }));
  await expect(asked).rejects.toMatchObject({ code: "E_SESSION_CONNECT", message: "host: no answer within 0.05 s" });
  expect(await answerWithin(60_000, "host", (signal) => runChecked(session, ["echo", "up"], { signal }))).toBe("up\n");
});

test("answerWithin() hears the signal of a person", async () => {
  const session = await open();
  const abort = new AbortController();
  const asked = answerWithin(
    60_000,
    "host",
    (signal) => runChecked(session, ["sleep", "600"], { signal }),
    abort.signal,
  );
  abort.abort("SIGINT");
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
});

test("exec() fails where a command says more than is kept of it, instead of cutting that off", async () => {
  const session = await open();
  const endless = session.exec(["cat", "/dev/zero"]);
  await expect(endless).rejects.toMatchObject({
    code: "E_REMOTE_COMMAND",
    message: expect.stringContaining("more than the 16777216 bytes"),
  });
});

test("seenIn() refuses a journal of a length that no journal has", () => {
  const of = (length: number) => `journal\0${"j".repeat(length)}\0cpu\0x86_64\0`;
  expect(seenIn(of(8 * 1024 * 1024), "host").cpu).toBe("x86_64");
  expect(() => seenIn(of(8 * 1024 * 1024 + 1), "host")).toThrow("host: its journal has more than 8388608 bytes");
});
