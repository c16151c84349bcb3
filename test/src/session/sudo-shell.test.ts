import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { becomeRoot } from "../../../src/session/become-root.ts";
import { makeLoginUser } from "../../support/login-user.ts";
import { useSshDesk } from "../../support/ssh-desk.ts";

const desk = useSshDesk();

/** A terminal whose person answers a question once. */
function person(question: RegExp, answer: string) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
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
