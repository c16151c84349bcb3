import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { PseudoTtyInfo, ServerChannel, Session } from "ssh2";
import { quoteArgv } from "../../session/quote.ts";
import { enterCommand } from "./commands.ts";

interface Terminal {
  readonly id: string;
  cols: number;
  rows: number;
  readonly term: string;
}

/** Serves one SSH session: exec and shell with or without a terminal, window size, signals. */
export function serveSession(session: Session, init: () => number | undefined): void {
  let terminal: Terminal | undefined;
  let child: ChildProcessWithoutNullStreams | undefined;
  session.on("pty", (accept, _reject, info: PseudoTtyInfo & { term?: string }) => {
    terminal = { id: randomBytes(6).toString("hex"), cols: info.cols, rows: info.rows, term: info.term ?? "xterm" };
    accept?.();
  });
  session.on("env", (_accept, reject) => reject?.());
  session.on("window-change", (accept, _reject, info) => {
    accept?.();
    if (!terminal) return;
    Object.assign(terminal, { cols: info.cols, rows: info.rows });
    enter(init, resizeLine(terminal), [])?.on("error", () => {});
  });
  session.on("signal", (accept, _reject, info) => {
    accept?.();
    if (child?.pid !== undefined) signalInside(child.pid, info.name);
  });
  const run = (line: string, channel: ServerChannel) => {
    child = terminal
      ? enter(init, terminalLine(terminal, line), [`TERM=${terminal.term}`, "SHELL=/bin/sh"])
      : enter(init, line, []);
    if (child) join(child, channel);
    else {
      channel.stderr.write("The sandbox has ended\n");
      channel.exit(255);
      channel.end();
    }
  };
  session.on("exec", (accept, _reject, info) => run(info.command, accept()));
  session.on("shell", (accept) => run(LOGIN_SHELL, accept()));
}

const LOGIN_SHELL = "for s in /bin/bash /bin/sh; do [ -x $s ] && SHELL=$s exec $s -l; done";

/** script(1) gives the terminal; a root without it gets an interactive shell without one. */
function terminalLine(terminal: Terminal, line: string): string {
  const inner = `tty >/run/bootlace/tty.${terminal.id}; stty rows ${terminal.rows} cols ${terminal.cols}; ${line}`;
  const script = quoteArgv(["script", "--quiet", "--flush", "--return", "--command", inner, "/dev/null"]);
  return `command -v script >/dev/null || { ${line}\nexit; }\nexec ${script}`;
}

function resizeLine({ id, rows, cols }: Terminal): string {
  return `stty -F "$(cat /run/bootlace/tty.${id})" rows ${rows} cols ${cols}`;
}

function enter(init: () => number | undefined, line: string, environment: readonly string[]) {
  const pid = init();
  if (pid === undefined) return undefined;
  const [file = "", ...args] = enterCommand(pid, line, environment);
  return spawn(file, args, { cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
}

function join(child: ChildProcessWithoutNullStreams, channel: ServerChannel): void {
  let open = true;
  child.stdin.on("error", () => {});
  channel.on("error", () => {});
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.once("error", () => channel.close());
  child.once("close", (code, signal) => {
    if (!open) return;
    if (signal) channel.exit(signal.replace(/^SIG/, ""), false, "");
    else channel.exit(code ?? 255);
    channel.end();
  });
  channel.once("close", () => {
    open = false;
    // As sshd does: who still writes gets EPIPE; what was started detached goes on.
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.destroy();
  });
}

/** nsenter(1) waits for a child of its own in the PID namespace; a signal has to reach that one. */
function signalInside(pid: number, name: string): void {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
    for (const child of children) if (child) process.kill(Number(child), `SIG${name}` as NodeJS.Signals);
  } catch {
    // It has ended already.
  }
}
