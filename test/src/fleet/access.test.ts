import { expect, test } from "vitest";
import { hostAccess } from "../../../src/fleet/access.ts";

const asking = async (options: Readonly<Record<string, boolean>>) => {
  const asked: string[] = [];
  const read = async (question: string) => {
    asked.push(question);
    return `answer ${asked.length}`;
  };
  const { askSecret } = hostAccess({ dir: "/", options, json: false, signal: new AbortController().signal }, read);
  const questions = [
    "Password for sudo on h1",
    "Password for sudo on h2",
    "Password for sudo on h1",
    "Passphrase of id",
  ];
  const answers = await Promise.all(questions.map((question) => askSecret?.(question)));
  return { asked, answers };
};

test("hostAccess() asks for sudo's password of each host, and gives no host another one's", async () => {
  const { asked, answers } = await asking({});
  expect(asked).toEqual(["Password for sudo on h1", "Password for sudo on h2", "Passphrase of id"]);
  expect(answers).toEqual(["answer 1", "answer 2", "answer 1", "answer 3"]);
});

test("hostAccess() with --ask-sudo-once asks for sudo's password once, and for other secrets each time", async () => {
  const { asked, answers } = await asking({ askSudoOnce: true });
  expect(asked).toEqual(["Password for sudo on every host of this command", "Passphrase of id"]);
  expect(answers).toEqual(["answer 1", "answer 1", "answer 1", "answer 2"]);
});

test("hostAccess() asks again, once for all who wait, where an answer was refused, and not before", async () => {
  const asked: string[] = [];
  const read = async (question: string) => `answer ${asked.push(question)}`;
  const options = { askSudoOnce: true };
  const { askSecret } = hostAccess({ dir: "/", options, json: false, signal: new AbortController().signal }, read);
  const hosts = [1, 2, 3].map((host) => `Password for sudo on h${host}`);
  const first = await Promise.all(hosts.map((question) => askSecret?.(question)));
  const second = await Promise.all(hosts.map((question, at) => askSecret?.(question, first[at])));
  expect([first, second, asked.length]).toEqual([Array(3).fill("answer 1"), Array(3).fill("answer 2"), 2]);
  expect(await askSecret?.("Password for sudo on h1", "answer 1")).toBe("answer 2");
});
