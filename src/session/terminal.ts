import type { ClientChannel } from "ssh2";
import type { ShellOptions } from "./session.ts";

/** As with ssh(1): a terminal there only where there is one here, and for a command only where a person sees its output. */
export function wantsTerminal({ argv, stdin, stdout }: ShellOptions): boolean {
  return stdin.isTTY === true && (argv === undefined || stdout.isTTY === true);
}

/** Joins a person's terminal with a channel: raw keys go there, size changes follow. Returns what gives it back. */
export function shareTerminal(channel: ClientChannel, { stdin, stdout }: ShellOptions): () => void {
  const raw = stdin.isTTY;
  if (raw) stdin.setRawMode(true);
  const resize = () => channel.setWindow(stdout.rows ?? 24, stdout.columns ?? 80, 0, 0);
  stdout.on("resize", resize);
  stdin.pipe(channel);
  channel.pipe(stdout, { end: false });
  channel.stderr.pipe(stdout, { end: false });
  channel.on("error", () => {});
  return () => {
    stdout.off("resize", resize);
    stdin.unpipe(channel);
    stdin.pause();
    if (raw) stdin.setRawMode(false);
  };
}
