import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { type TokenValues, withTokens } from "./expand-tokens.ts";

/** Most of what a proxy command says that is kept for an error, in characters. */
const KEPT = 2000;

/** A ProxyCommand of ssh_config(5): a shell line whose stdin and stdout carry the connection. */
export class ProxyProcess {
  readonly stream: Duplex;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #stderr = "";
  #end = "";

  constructor(command: string, values: TokenValues) {
    // A group of its own: a Ctrl-C is for Bootlace, which ends it in order, with whatever the command started.
    const child = spawn("/bin/sh", ["-c", `exec ${withTokens(command, values)}`], { detached: true });
    this.#child = child;
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-KEPT);
    });
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#end = error.message;
        resolve();
      });
      child.once("close", (code, signal) => {
        this.#end = `ended with ${signal ?? `exit ${code}`}`;
        resolve();
      });
    });
    this.stream = joined(child);
  }

  /** Why it failed, in its own words; call it after {@link close}. */
  said(): string {
    const words = this.#stderr.trim();
    return `the ProxyCommand ${this.#end}${words ? `: ${words}` : ""}`;
  }

  /** Ends the command and what it started, and waits for it. */
  async close(): Promise<void> {
    this.stream.destroy();
    const { pid } = this.#child;
    if (pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null)
      killGroup(pid, "SIGTERM");
    const timer = setTimeout(() => pid !== undefined && killGroup(pid, "SIGKILL"), 3000);
    await this.#ended;
    clearTimeout(timer);
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

/** One stream of a process's two. */
function joined({ stdin, stdout }: ChildProcessWithoutNullStreams): Duplex {
  const duplex = new Duplex({
    read: () => stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => stdin.write(chunk, done),
    final: (done) => stdin.end(done),
    destroy: (error, done) => {
      stdin.destroy();
      stdout.destroy();
      done(error);
    },
  });
  stdout.on("data", (chunk: Buffer) => {
    if (!duplex.push(chunk)) stdout.pause();
  });
  stdout.once("end", () => duplex.push(null));
  // A command that is gone: the end of its stdout tells.
  stdin.on("error", () => {});
  return duplex;
}
