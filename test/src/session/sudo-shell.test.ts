import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { becomeRoot } from "../../../src/session/become-root.ts";
import { makeLoginUser } from "../../support/login-user.ts";
import { useSshDesk } from "../../support/ssh-desk.ts";

const desk = useSshDesk();

/** A terminal whose person answers a question once. */
function person(question: RegExp, answer: string) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const stdout = Object.assign(new PassThrough(), { isTTY: true });
  let said = "";
  let answered = false;
  stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (answered || !question.test(said)) return;
    answered = true;
    stdin.write(answer);
  });
  return {
    options: { stdin: stdin as unknown as NodeJS.ReadStream, stdout: stdout as unknown as NodeJS.WriteStream },
    said: () => said,
  };
}

test("SudoSession.shell() gives a program to root, with sudo's question on the person's own terminal", async () => {
  const user = makeLoginUser("ALL=(ALL) ALL");
  desk.after(() => user.remove());
  const sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
  const session = await desk.open(`${user.name}@127.0.0.1:${sshd.port}`);
  const root = await becomeRoot(session, {}, async () => user.password);
  const asked = person(/password for/i, `${user.password}\n`);
  const exit = await root.shell({ ...asked.options, argv: ["sh", "-c", "id -un; test -t 0; exit $((5 + $?))"] });
  expect([exit, asked.said().trim().split(/\s+/).at(-1)]).toEqual([5, "root"]);
  const own = person(/\$ $/, "id -un; exit 4\n");
  expect(await root.shell(own.options)).toBe(4);
  expect(own.said()).toContain(`\n${user.name}`);
});

/** What is piped in, and what comes out on each way. */
function pipes(input: Readable) {
  const said = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") =>
    new PassThrough().on("data", (chunk: Buffer) => {
      said[name] += chunk.toString();
    });
  const stdin = input as unknown as NodeJS.ReadStream;
  return { said, options: { stdin, stdout: sink("stdout") as unknown as NodeJS.WriteStream, stderr: sink("stderr") } };
}

test("SshSession.shell() runs what is piped to a login shell, to the end of the input, without a terminal", async () => {
  const sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
  const session = await desk.open(`root@127.0.0.1:${sshd.port}`);
  const nothing = pipes(Readable.from([]));
  expect(await session.shell(nothing.options)).toBe(0);
  const script = pipes(Readable.from(["test -t 0 || echo no terminal\n", "echo aside >&2\nfalse\n"]));
  expect([await session.shell(script.options), script.said]).toEqual([
    1,
    { stdout: expect.stringMatching(/no terminal\n$/), stderr: expect.stringMatching(/aside\n$/) },
  ]);
  const command = pipes(Readable.from(["in"]));
  const exit = await session.shell({
    ...command.options,
    argv: ["sh", "-c", "cat; echo; echo $1 >&2; exit 7", "sh", "a b"],
  });
  expect([exit, command.said]).toEqual([7, { stdout: "in\n", stderr: "a b\n" }]);
  const open = pipes(new Readable({ read: () => {} }));
  expect(await session.shell({ ...open.options, argv: ["true"] })).toBe(0);
});

test("SudoSession.shell() runs a command as root without a terminal, with the password that is known", async () => {
  const user = makeLoginUser("ALL=(ALL) ALL");
  desk.after(() => user.remove());
  const sshd = await desk.sshd();
  desk.known(sshd.knownLine());
  desk.config(desk.plain(sshd.userKey));
  const session = await desk.open(`${user.name}@127.0.0.1:${sshd.port}`);
  const root = await becomeRoot(session, {}, async () => user.password);
  const command = pipes(Readable.from(["in"]));
  expect(await root.shell({ ...command.options, argv: ["sh", "-c", "id -u; cat; exit 6"] })).toBe(6);
  expect(command.said).toEqual({ stdout: "0\nin", stderr: "" });
});
