import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { CommandSpec } from "../../../src/cli/command.ts";
import { makeProgram } from "../../../src/cli/program.ts";
import { type CliParts, runCli } from "../../../src/cli/run-cli.ts";
import { COMMANDS } from "../../../src/cli/table.ts";
import { BootlaceError } from "../../../stage2/index.ts";

class Text extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function call(argv: string[], more: Partial<CliParts> = {}): Promise<{ exit: number; out: string; err: string }> {
  const [stdout, stderr] = [new Text(), new Text()];
  const signal = new AbortController().signal;
  const exit = await runCli(argv, { cwd: process.cwd(), stdout, stderr, signal, ...more });
  return { exit, out: stdout.text, err: stderr.text };
}

const command = (load: CommandSpec["load"]): CommandSpec[] => [
  {
    name: "act",
    group: "other",
    summary: "Act",
    options: [{ flags: "--jobs <n>", summary: "n", parse: "integer" }],
    examples: [],
    load,
  },
];

function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-cli-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("runCli() refuses an unknown command with exit 2 and the nearest one", async () => {
  const { exit, err } = await call(["chek"]);
  expect(exit).toBe(2);
  expect(err).toContain("error E_USAGE: Unknown command 'chek'");
  expect(err).toContain('Did you mean "check"?');
});

test("runCli() refuses an unknown option with exit 2 and the nearest one", async () => {
  const { exit, err } = await call(["check", "--jsno"]);
  expect(exit).toBe(2);
  expect(err).toContain('Did you mean "--json"?');
});

test.each([
  [["check", "--nothing-like-it"], "`bootlace check --help`"],
  [["xyzzyx"], "`bootlace --help`"],
  [["image", "xyzzyx"], "`bootlace image --help`"],
  [["-C", "/tmp", "image", "show"], "`bootlace image show --help`"],
  [["schema", "nothing"], "`bootlace schema --help`"],
])("runCli() points from %j to the help that is there", async (argv, hint) => {
  const { exit, err } = await call(argv);
  expect([exit, err]).toEqual([2, expect.stringContaining(hint)]);
  expect(err).not.toContain("COMMAND");
});

test.each([
  ["EACCES", "mkdir", "permission denied"],
  ["EROFS", "open", "read-only"],
  ["ENOSPC", "write", "no space left"],
  ["ENOENT", "rename", "not there"],
])(
  "runCli() tells %s of the desk's file system with path and remedy, exit 2, without a stack",
  async (code, syscall, means) => {
    const commands = command(async () => {
      throw Object.assign(new Error(`${code}: x, ${syscall} '/srv/x'`), { code, syscall, path: "/srv/x" });
    });
    const { exit, err } = await call(["act"], { commands });
    expect(exit).toBe(2);
    expect(err).toMatch(
      new RegExp(`^error E_DESK_FILES: Could not .* /srv/x: .*${means}.* \\(${code}\\)\n  [A-Z].*\n$`),
    );
  },
);

test("runCli() tells a full disk although a write does not say in which file", async () => {
  const commands = command(async () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  });
  const { exit, err } = await call(["act"], { commands });
  expect([exit, err]).toEqual([2, expect.stringContaining("Could not write a file: no space left (ENOSPC)")]);
});

test("runCli() leaves a program that is not there, and an error without a path, what they are", async () => {
  for (const more of [{ syscall: "spawn git", path: "git" }, { syscall: "read" }]) {
    const commands = command(async () => {
      throw Object.assign(new Error("ENOENT"), { code: "ENOENT", ...more });
    });
    expect((await call(["act"], { commands })).exit).toBe(70);
  }
});

test("bootlace schema --write --json prints one JSON value", async () => {
  const cwd = temporary();
  const { out } = await call(["schema", "--write", "--json"], { cwd });
  expect(JSON.parse(out)).toEqual({
    written: [".bootlace/schema/service.schema.json", ".bootlace/schema/bootlace.schema.json"],
  });
});

test("bootlace schema --write says what cannot be written when a file stands where a folder belongs", async () => {
  const cwd = temporary();
  writeFileSync(join(cwd, ".bootlace"), "");
  const { exit, err } = await call(["schema", "--write"], { cwd });
  expect([exit, err]).toEqual([2, expect.stringContaining(`E_DESK_FILES: Could not make the folder ${cwd}/.bootlace`)]);
});

test("runCli() takes -C, --json and --yes before and after the command", async () => {
  const seen: unknown[] = [];
  const commands = command(async () => ({
    default: async ({ dir, json, yes, options }) => {
      seen.push([dir, json, yes, options.jobs]);
      return 0;
    },
  }));
  await call(["-C", "/a", "--json", "act", "--yes", "--jobs", "3"], { commands });
  await call(["act", "-C", "b", "--json"], { commands, cwd: "/c" });
  expect(seen).toEqual([
    ["/a", true, true, 3],
    ["/c/b", true, false, undefined],
  ]);
});

test("runCli() gives 70 and the stack for what nobody expected", async () => {
  const commands = command(async () => {
    throw new TypeError("boom");
  });
  const { exit, err } = await call(["act"], { commands });
  expect(exit).toBe(70);
  expect(err).toMatch(/E_INTERNAL[\s\S]*TypeError: boom\n {4}at /);
});

test("runCli() gives a BootlaceError's own exit code, and JSON of it with --json", async () => {
  const commands = command(async () => {
    throw new BootlaceError("E_LOCKED", "Taken", { hint: "Wait." });
  });
  expect((await call(["act"], { commands })).err).toBe("error E_LOCKED: Taken\n  Wait.\n");
  const { exit, err } = await call(["act", "--json"], { commands });
  expect(exit).toBe(3);
  expect(JSON.parse(err)).toEqual({ error: { code: "E_LOCKED", message: "Taken", hint: "Wait.", faults: [] } });
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
])("runCli() gives the exit code of %s when a command was aborted by it", async (name, expected) => {
  const abort = new AbortController();
  abort.abort(name);
  const commands = command(async () => {
    throw new DOMException("aborted", "AbortError");
  });
  expect((await call(["act"], { commands, signal: abort.signal })).exit).toBe(expected);
  // What AbortSignal.throwIfAborted() throws is the reason itself.
  const thrown = command(async () => abort.signal.throwIfAborted() as never);
  expect(await call(["act"], { commands: thrown, signal: abort.signal })).toMatchObject({ exit: expected, err: "" });
});

test.each([
  [["dev"], { args: ["dev"], command: undefined }],
  [["dev", "web.update"], { args: ["dev", "web.update"], command: undefined }],
  [["dev", "--", "ls", "-l", "--", "a b"], { args: ["dev"], command: ["ls", "-l", "--", "a b"] }],
  [["dev", "--"], { args: ["dev"], command: undefined }],
])("runCli() gives shell %j the words after -- as a command of their own", async (words, expected) => {
  const calls: unknown[] = [];
  const load: CommandSpec["load"] = async () => ({
    default: async ({ args, command: words }) => {
      calls.push({ args, command: words });
      return 0;
    },
  });
  const shell = COMMANDS.filter(({ name }) => name === "shell").map((spec) => ({ ...spec, load }));
  expect(await call(["shell", ...words], { commands: shell })).toMatchObject({ exit: 0, err: "" });
  expect(calls).toEqual([expected]);
});

test.each([[["dev", "web"]], [["dev", "web.init", "more"]], [["dev", "web.init", "--", "ls"]]])(
  "bootlace shell %j is E_USAGE and leads to its own help",
  async (words) => {
    const { exit, err } = await call(["shell", ...words]);
    expect(exit).toBe(2);
    expect(err).toMatch(/E_USAGE: Expected [\s\S]*`bootlace shell --help`/);
  },
);

test("makeProgram() parses every example of every command", () => {
  for (const { name, examples } of COMMANDS) {
    expect(examples.length, name).toBeGreaterThan(0);
    for (const example of examples) {
      const line = /\bbootlace ((?:"[^"]*"|[^|>)"])*)/.exec(example.command)?.[1] ?? "";
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
      let found = "";
      const program = makeProgram(COMMANDS, "0", (call) => {
        found = call.spec.name;
      });
      program.parse(words, { from: "user" });
      expect(found, example.command).toBe(name);
    }
  }
});

test("bootlace new writes a project that check finds without faults, new service adds to it", async () => {
  const dir = temporary();
  expect((await call(["new", "my-shop"], { cwd: dir })).exit).toBe(0);
  const cwd = join(dir, "my-shop");
  expect(await call(["check"], { cwd })).toEqual({ exit: 0, out: "my-shop: 1 service, no faults\n", err: "" });
  await call(["new", "service", "web", "--extends", "bootlace/webapp"], { cwd });
  const again = await call(["new", "service", "web"], { cwd });
  expect([again.exit, again.err]).toEqual([2, expect.stringContaining("E_EXISTS")]);
  expect((await call(["check"], { cwd })).out).toBe("my-shop: 2 services, no faults\n");
  expect((await call(["check", "--effective", "web"], { cwd })).out).toContain("# web extends bootlace/webapp\n");
  expect((await call(["graph", "--all", "--mermaid"], { cwd })).out).toMatch(/^flowchart TD\n/);
  expect((await call(["__complete", "service"], { cwd })).out).toBe("hello\nweb\n");
});

test("bootlace check --json gives the faults on stdout and exit 2", async () => {
  const dir = temporary();
  await call(["new", "."], { cwd: dir }).catch(() => undefined);
  await call(["new", "x"], { cwd: dir });
  rmSync(join(dir, "x/services/hello/update.sh"));
  const { exit, out } = await call(["check", "--json"], { cwd: join(dir, "x") });
  expect(exit).toBe(2);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    faults: [{ code: "E_SCRIPT_MISSING", place: { line: 8, column: 9 } }],
  });
});

test("the table has every command once, and its code is there", async () => {
  const names = COMMANDS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of ["new", "check", "graph", "plan", "why", "apply", "build", "up", "deploy", "demo"]) {
    expect(names).toContain(name);
  }
  for (const spec of COMMANDS) expect(typeof (await spec.load()).default, spec.name).toBe("function");
});
