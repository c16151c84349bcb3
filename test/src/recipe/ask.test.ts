import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askDecision } from "../../../src/recipe/ask.ts";

function terminal() {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const shells: string[] = [];
  let said = "";
  const answers: string[] = [];
  stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    // The person types when the question stands there.
    if (said.endsWith("lean up? ")) {
      said = "";
      stdin.write(`${answers.shift() ?? ""}\n`);
    }
  });
  const ask = (...given: string[]) => {
    answers.push(...given);
    return askDecision(
      { step: "init", error: new Error("web.init failed"), context: {} },
      {
        stdin: stdin as unknown as NodeJS.ReadStream,
        stdout: stdout as unknown as NodeJS.WriteStream,
        signal: new AbortController().signal,
        shell: async ({ step }) => void shells.push(step),
        quiet: () => {},
      },
    );
  };
  return { ask, shells };
}

test.each([
  ["r", "retry"],
  ["keep", "keep"],
  ["", "clean"],
  ["c", "clean"],
])("askDecision() takes %j for %s", async (answer, decision) => {
  expect(await terminal().ask(answer)).toBe(decision);
});

test("askDecision() asks again after a shell and after a word that it does not know", async () => {
  const { ask, shells } = terminal();
  expect(await ask("s", "what", "r")).toBe("retry");
  expect(shells).toEqual(["init"]);
});
