import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { removeFolder } from "../../../src/machine/machine-folder.ts";
import { followRun } from "../../../src/machine/run/follow-run.ts";
import { LONGEST_LINE } from "../../../src/machine/run/line-reader.ts";
import { connectSsh } from "../../../src/session/connect-ssh.ts";
import type { Session } from "../../../src/session/session.ts";
import { BootlaceError, type Event } from "../../../stage2/index.ts";
import { startSshHost } from "../../support/ssh-host.ts";

async function rig() {
  const host = await startSshHost();
  const folder = mkdtempSync(join(tmpdir(), "bootlace-follow-"));
  onTestFinished(() => removeFolder(folder));
  const events = join(folder, "events.jsonl");
  const exit = join(folder, "exit");
  let session: Session | undefined;
  const connect = async () => {
    if (session) return session;
    const { port, hostKey, userKey } = host;
    const made = await connectSsh({
      host: "127.0.0.1",
      port,
      user: "root",
      privateKey: userKey.private,
      hostKeys: [hostKey.public],
      target: "host",
    });
    session = made;
    void made.closed.then(() => {
      session = undefined;
    });
    return made;
  };
  onTestFinished(async () => session?.close());
  const write = (text: string) => appendFileSync(events, text);
  return { host, events, exit, connect, write };
}

const output = (text: string): string => `${JSON.stringify({ t: 1, k: "output", step: "web.init", text })}\n`;
const lists = { failed: [], blocked: [], ignored: [], criticalPath: [], criticalMs: 1, ms: 1 };
const closing = { t: 2, k: "close", run: "r", outcome: "done", exit: 0, ...lists };
const CLOSE = `${JSON.stringify(closing)}\n`;

test("followRun() tells every event once and in order over connections that break, in the middle of a line too", async () => {
  const { host, events, exit, connect, write } = await rig();
  const seen: string[] = [];
  const lines = Array.from({ length: 40 }, (_, at) => output(`line ${at} äöü`));
  // The test holds the pen: what comes next is written only when the last of before was seen.
  let next = 0;
  const advance = (): void => {
    const line = lines[next];
    next += 1;
    if (line === undefined) write(CLOSE);
    else if (next % 5 === 0) {
      write(line.slice(0, 30));
      host.drop();
      write(line.slice(30));
    } else write(line);
  };
  writeFileSync(events, "");
  advance();
  const onEvent = (event: Event) => {
    if (event.k !== "output") return;
    seen.push(event.text);
    advance();
  };
  const result = await followRun({ run: "r", events, exit, connect, onEvent });
  expect(seen).toEqual(lines.map((_, at) => `line ${at} äöü`));
  expect(host.accepted).toBeGreaterThanOrEqual(8);
  expect(result.offset).toBe(Buffer.byteLength(lines.join("") + CLOSE));
});

test("followRun() begins at the offset that it is given", async () => {
  const { events, exit, connect, write } = await rig();
  write(output("known") + output("new") + CLOSE);
  const seen: string[] = [];
  const onEvent = (event: Event) => void (event.k === "output" && seen.push(event.text));
  await followRun({ run: "r", events, exit, connect, onEvent, offset: Buffer.byteLength(output("known")) });
  expect(seen).toEqual(["new"]);
});

test("followRun() says E_RUN_LOST when the runner has ended and its run was never closed", async () => {
  const { events, exit, connect, write } = await rig();
  write(output("last words"));
  writeFileSync(exit, "137\n");
  const seen: string[] = [];
  const onEvent = (event: Event) => void (event.k === "output" && seen.push(event.text));
  await expect(followRun({ run: "r", events, exit, connect, onEvent })).rejects.toMatchObject({ code: "E_RUN_LOST" });
  expect(seen).toEqual(["last words"]);
});

test("followRun() ends at once with an AbortError when its signal is given", async () => {
  const { events, exit, connect, write } = await rig();
  const abort = new AbortController();
  write(output("running"));
  const run = followRun({
    run: "r",
    events,
    exit,
    connect,
    onEvent: () => abort.abort("SIGINT"),
    signal: abort.signal,
  });
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
});

test("followRun() has all its patience after a silent stretch: it counts from the break", async () => {
  const { host, events, exit, connect, write } = await rig();
  let ahead = 0;
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + ahead);
  onTestFinished(() => clock.mockRestore());
  write(output("begun"));
  let refused = 0;
  const fails = async () => {
    if (ahead > 0 && refused++ === 0) throw new BootlaceError("E_SESSION_CONNECT", "It is not up yet");
    return connect();
  };
  const onEvent = (event: Event) => {
    if (event.k !== "output") return;
    ahead = 3_600_000;
    host.drop();
    write(CLOSE);
  };
  const { close } = await followRun({ run: "r", events, exit, connect: fails, onEvent });
  expect([close?.outcome, refused]).toEqual(["done", 2]);
});

test("followRun() ends without a close where the runner has ended because a script asks for a reboot", async () => {
  const { events, exit, connect, write } = await rig();
  write(`${JSON.stringify({ t: 1, k: "reboot", step: "web.init" })}\n`);
  writeFileSync(exit, "0\n");
  expect((await followRun({ run: "r", events, exit, connect, onEvent: () => {} })).close).toBeUndefined();
});

test("followRun() does not wait for a machine that shows another host key after a break", async () => {
  const { events, exit, connect } = await rig();
  const wrong = async () => {
    throw new BootlaceError("E_SESSION_HOST_KEY", "Another key came");
  };
  const run = followRun({ run: "r", events, exit, connect, onEvent: () => {}, onReconnect: wrong, again: true });
  await expect(run).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY" });
});

test.each([
  ["an event without its fields", { t: 1, k: "done" }, /number expected in "ms"|text expected in "step"/],
  ["a list of processes that is none", { t: 1, k: "left-running", step: "web.init", processes: {} }, /processes/],
  ["a plan that is none", { ...closing, k: "open", plan: null }, /expected/],
  ["the close of another run", { ...closing, run: "other" }, /closes another run/],
  ["an outcome that nobody knows", { ...closing, outcome: "splendid" }, /no such outcome/],
])("followRun() fails with E_RUN_RUBBISH where a machine tells %s", async (_, event, why) => {
  const { events, exit, connect, write } = await rig();
  write(`${JSON.stringify(event)}\n${CLOSE}`);
  const told: Event[] = [];
  const run = followRun({ run: "r", events, exit, connect, onEvent: (one) => void told.push(one) });
  await expect(run).rejects.toMatchObject({ code: "E_RUN_RUBBISH", message: expect.stringMatching(why) });
  expect(told).toEqual([]);
});

test("followRun() fails with what the reader of an event throws", async () => {
  const { events, exit, connect, write } = await rig();
  write(output("x") + CLOSE);
  const onEvent = () => {
    throw new Error("The terminal is gone");
  };
  await expect(followRun({ run: "r", events, exit, connect, onEvent })).rejects.toThrow("The terminal is gone");
});

test("followRun() passes over torn lines and over kinds of a newer runner", async () => {
  const { events, exit, connect, write } = await rig();
  write(`{"t":1,"k":"out\n[]\n{"k":"toString"}\n{"t":1,"k":"rain","drops":3}\n${CLOSE}`);
  const told: string[] = [];
  await followRun({ run: "r", events, exit, connect, onEvent: ({ k }) => void told.push(k) });
  expect(told).toEqual(["close"]);
});

test.each([0, 77, -1])("followRun() takes exit %d of a run that failed for a failed service", async (exitCode) => {
  const { events, exit, connect, write } = await rig();
  write(`${JSON.stringify({ ...closing, outcome: "failed", exit: exitCode })}\n`);
  expect((await followRun({ run: "r", events, exit, connect, onEvent: () => {} })).close?.exit).toBe(1);
});

test("followRun() fails with E_RUN_RUBBISH at a line without an end, before it is all in memory", async () => {
  const { events, exit, connect, write } = await rig();
  write(`{"t":1,"k":"output","text":"${"x".repeat(10 * 1024 * 1024)}`);
  const run = followRun({ run: "r", events, exit, connect, onEvent: () => {} });
  await expect(run).rejects.toMatchObject({
    code: "E_RUN_RUBBISH",
    message: expect.stringContaining(`${LONGEST_LINE} bytes`),
  });
});
