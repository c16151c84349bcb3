import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Link } from "../../../src/machine/run/link.ts";
import { followOrSaveLogs } from "../../../src/recipe/save-logs.ts";
import type { Session } from "../../../src/session/session.ts";
import { BootlaceError, type Event } from "../../../stage2/index.ts";
import { ESCAPED, HOSTILE_TARS, tarOf } from "../../support/hostile-tars.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bootlace-logs-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A machine that answers every command by running `script` here, with `input` for its standard input. */
function machine(script: string, input: Buffer): Link {
  const session: Pick<Session, "exec"> = {
    exec: (_argv, { stdout, signal } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "ignore"] });
        child.stdin.on("error", () => {});
        child.stdin.end(input);
        if (stdout) child.stdout.pipe(stdout, { end: false });
        signal?.addEventListener("abort", () => {
          child.kill("SIGKILL");
          reject(signal.reason);
        });
        child.on("close", (code) => resolve({ exit: code ?? 255, stdout: "", stderr: "" } as never));
      }),
  };
  return { session: async () => session as Session } as Link;
}

/** Follows a run that fails, on a machine that sends this for its logs; answers the error. */
async function failed(link: Link, run = "20261120T154900-3fa9c1"): Promise<BootlaceError> {
  const events = [
    { k: "open", t: 0, run },
    { k: "fail", t: 1, step: "web.init", log: "/x/web.init.log", message: "exit 1" },
  ] as unknown as Event[];
  const error = await followOrSaveLogs(
    { dir, id: "b1", link, where: "image web" },
    { signal: new AbortController().signal, report: () => {} },
    async ({ onEvent }) => {
      for (const event of events) onEvent(event);
      throw new BootlaceError("E_RUN_FAILED", "The run failed");
    },
  ).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(BootlaceError);
  return error;
}
const saved = (): string[] =>
  existsSync(join(dir, ".bootlace")) ? readdirSync(dir, { recursive: true, encoding: "utf8" }) : [];
const files = (): string[] => saved().filter((path) => !/^\.bootlace(?:\/logs(?:\/b1)?)?$/.test(path));

describe("followOrSaveLogs()", () => {
  test("copies a run's logs to the desk and names the first that failed", async () => {
    const tar = tarOf({ path: "./", type: "Directory" }, { path: "./web.init.log", body: "it broke\n" });
    // GNU tar fills its last record, and ends badly when nobody takes that.
    const { hint } = await failed(machine("cat; head -c 1000000 /dev/zero", tar));
    const folder = join(dir, ".bootlace/logs/b1/20261120T154900-3fa9c1");
    expect(hint).toContain(`Read ${folder}/web.init.log`);
    expect(readFileSync(join(folder, "web.init.log"), "utf8")).toBe("it broke\n");
  });

  test.each(HOSTILE_TARS)("keeps nothing of logs that are or hold %s", async (_name, tar) => {
    const { code, hint } = await failed(machine("cat", tar));
    expect(code).toBe("E_RUN_FAILED");
    expect(hint).toMatch(/Refused to unpack the logs of run /);
    expect(files()).toEqual([]);
    expect(existsSync(ESCAPED)).toBe(false);
  });

  test("keeps nothing of logs with a link, also one that stays among them", async () => {
    const tar = tarOf({ path: "a", body: "" }, { path: "l", type: "SymbolicLink", linkpath: "a" });
    expect((await failed(machine("cat", tar))).hint).toContain('it holds "l", a link');
    expect(files()).toEqual([]);
  });

  test("ends a machine that sends without end", async () => {
    const head = tarOf({ path: "big", size: 2 ** 32, body: "" }).subarray(0, 512);
    const { hint } = await failed(machine("cat; cat /dev/zero", head));
    expect(hint).toContain("unpacks to more than");
    expect(files()).toEqual([]);
  });

  test("says nothing of logs that could not be had", async () => {
    const { hint = "" } = await failed(machine("exit 2", Buffer.alloc(0)));
    expect(hint).not.toMatch(/Refused|Read/);
    expect(files()).toEqual([]);
  });

  test.each(["../../../../tmp/x", "..", "", "a/b", "-f"])(
    "takes %j for no run that could name a folder",
    async (run) => {
      const { hint = "" } = await failed(machine("cat", tarOf({ path: "x", body: "x" })), run);
      expect([hint, saved()]).toEqual(["", []]);
    },
  );
});
