import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { runCli } from "../../../src/cli/run-cli.ts";

test("selftest --crash that is interrupted exits 130 and claims nothing", async () => {
  const stop = new AbortController();
  let out = "";
  const stdout = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        out += chunk.toString();
        // The first kill is behind it.
        if (out.includes("killed 1 of")) stop.abort("SIGINT");
        done();
      },
    }),
    { isTTY: true },
  );
  const argv = ["selftest", "--crash", "--random", "0"];
  expect(await runCli(argv, { cwd: process.cwd(), stdout, stderr: process.stderr, signal: stop.signal })).toBe(130);
  expect(out).toMatch(/killed 1 of \d+ times$/);
});
