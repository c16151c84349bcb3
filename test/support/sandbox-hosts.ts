import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach } from "vitest";
import { runCli } from "../../src/cli/run-cli.ts";
import type { Machine } from "../../src/machine/machine.ts";
import { removeFolder } from "../../src/machine/machine-folder.ts";
import { sandboxProvider } from "../../src/machine/sandbox/sandbox-provider.ts";
import { supervisorCommand } from "./supervisor.ts";

export interface SandboxHosts {
  /** By name, as they stand in the SSH configuration. */
  readonly machines: Readonly<Record<string, Machine>>;
  /** Another address for a host: a relay's port. */
  readonly port: (name: string) => Promise<number>;
  readonly configure: (ports?: Readonly<Record<string, number>>) => Promise<void>;
  /** Runs a shell line on a host and answers what it printed. */
  readonly on: (name: string, line: string) => Promise<string>;
}

const made: (() => Promise<void>)[] = [];
afterEach(async () => {
  delete process.env.BOOTLACE_SSH_CONFIG;
  for (const remove of made.splice(0)) await remove();
});

/**
 * Machines of their own file systems that a project knows as hosts of `~/.ssh/config`, and no more of them: sandboxes of
 * another folder. Gone with the test.
 */
export async function startHosts(...names: string[]): Promise<SandboxHosts> {
  const dir = await mkdtemp(join(tmpdir(), "bootlace-hosts-"));
  const provider = sandboxProvider({ supervisor: await supervisorCommand() });
  const machines: Record<string, Machine> = {};
  made.push(async () => {
    for (const machine of Object.values(machines)) await machine.dispose();
    await removeFolder(dir);
  });
  for (const name of names) {
    const spec = { name, dir, base: { kind: "host" }, purpose: "run" } as const;
    machines[name] = await provider.launch(spec);
  }
  const folder = (name: string) => join(dir, ".bootlace", "machines", name);
  const port = async (name: string): Promise<number> =>
    JSON.parse(await readFile(join(folder(name), "state.json"), "utf8")).port;
  const configure = async (ports: Readonly<Record<string, number>> = {}) => {
    const blocks = names.map(async (name) => {
      const key = await readFile(join(folder(name), "host_ed25519.pub"), "utf8");
      await writeFile(join(dir, `${name}.known`), `${name} ${key}`);
      return `Host ${name}\n  HostName 127.0.0.1\n  Port ${ports[name] ?? (await port(name))}\n  User root\n  HostKeyAlias ${name}\n  IdentityFile ${folder(name)}/id_ed25519\n  IdentitiesOnly yes\n  UserKnownHostsFile ${dir}/${name}.known\n  GlobalKnownHostsFile /dev/null\n`;
    });
    await writeFile(join(dir, "config"), (await Promise.all(blocks)).join("\n"));
    process.env.BOOTLACE_SSH_CONFIG = join(dir, "config");
  };
  await configure();
  const on = async (name: string, line: string): Promise<string> => {
    const session = await (machines[name] as Machine).session();
    try {
      return (await session.exec(["sh", "-c", line])).stdout;
    } finally {
      await session.close();
    }
  };
  return { machines, port, configure, on };
}

class Sink extends Writable {
  text = "";
  readonly watch: ((text: string) => void) | undefined;
  constructor(watch?: (text: string) => void) {
    super();
    this.watch = watch;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.watch?.(this.text);
    done();
  }
}

export interface Typed {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process. `watch` sees the output as it grows. */
export async function type(
  dir: string,
  words: readonly string[],
  watch?: (text: string, abort: () => void) => void,
): Promise<Typed> {
  const abort = new AbortController();
  const stdout = new Sink(watch && ((text) => watch(text, () => abort.abort("SIGINT"))));
  const stderr = new Sink();
  const parts = { cwd: dir, stdout, stderr, signal: abort.signal } as Parameters<typeof runCli>[1];
  const exit = await runCli(words, parts);
  return { exit, out: stdout.text, err: stderr.text };
}
