import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { quote } from "../execute/quote.ts";
import { sessionMembers, signalAll } from "./processes.ts";

export interface LaneCommand {
  readonly argv: readonly string[];
  /** The whole environment: nothing else is handed on, but PWD. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** File or FIFO that takes stdout and stderr, appended. */
  readonly output: string;
}

/** Exit status that stands for "the working folder is not there". */
export const NO_FOLDER = 126;

/**
 * A shell of its own session that runs one command after the other for us.
 *
 * Why: forking Node costs its whole page table for each script, a small shell's fork (or vfork, as in dash) next to
 * nothing. And its session is known before the command starts, so that the journal can name it in the intent.
 * The shell catches the signals that are sent to its group and lives on; commands get them as usual.
 */
export class Lane {
  private readonly shell: ChildProcess;
  private finish: ((status: number) => void) | undefined;
  /** Set when the shell itself has ended (killed from outside): no further command. */
  dead = false;

  constructor() {
    this.shell = spawn("/bin/sh", [], {
      stdio: ["pipe", "ignore", "ignore", "pipe"],
      env: {},
      detached: true,
      cwd: "/",
    });
    this.status.setEncoding("latin1").on("data", (text: string) => this.end(Number.parseInt(text, 10)));
    this.shell.on("error", () => this.bury());
    this.shell.on("exit", () => this.bury());
    // A shell that is gone says so by `exit`; writing to it then must not end us.
    this.input.on("error", () => {});
    // Descriptor 9 is the run's lock, handed on by stage1: scripts must not keep it held.
    this.input.write("trap : TERM INT HUP QUIT PIPE USR1 USR2 ALRM; exec 9>&-\n");
  }

  /** Session of all that runs in this lane. */
  get session(): number {
    return this.shell.pid ?? 0;
  }

  /** Runs a command to its end. @returns its exit status, 128 + n where signal n ended it. */
  run(command: LaneCommand): Promise<number> {
    if (this.dead) return Promise.resolve(137);
    const variables = Object.entries(command.env).map(([name, value]) => `${name}=${quote(value)} `);
    const line = `${variables.join("")}${command.argv.map(quote).join(" ")} </dev/null >>${quote(command.output)} 2>&1 3>&-`;
    return new Promise((resolve) => {
      this.finish = resolve;
      this.input.write(
        `if cd ${quote(command.cwd)}; then unset OLDPWD; ${line}; echo $? >&3; else echo ${NO_FOLDER} >&3; fi\n`,
      );
    });
  }

  /** Lets the shell end by itself; what a command left running in its group lives on. */
  close(): void {
    this.input.end();
    this.status.destroy();
    this.shell.unref();
  }

  private get input(): Writable {
    return this.shell.stdio[0] as Writable;
  }

  private get status(): Readable {
    return this.shell.stdio[3] as Readable;
  }

  private end(status: number): void {
    const { finish } = this;
    this.finish = undefined;
    finish?.(status);
  }

  /** Killed from outside: the script that it ran must not live on without anybody who waits for it. */
  private bury(): void {
    this.dead = true;
    if (this.finish !== undefined) signalAll(sessionMembers(this.session, 0), "SIGKILL");
    this.end(137);
  }
}

/** Lanes that are free, kept for the next command. */
export class LanePool {
  /** Lanes that are taken. */
  readonly busy = new Set<Lane>();
  private readonly free: Lane[] = [];

  take(): Lane {
    let lane = this.free.pop();
    while (lane?.dead) lane = this.free.pop();
    lane ??= new Lane();
    this.busy.add(lane);
    return lane;
  }

  give(lane: Lane): void {
    this.busy.delete(lane);
    this.free.push(lane);
  }

  close(): void {
    for (const lane of this.free.splice(0)) lane.close();
  }
}
