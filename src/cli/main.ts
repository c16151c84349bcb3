import { EXIT } from "../../stage2/index.ts";
import { runCli } from "./run-cli.ts";

/** The entry: binds the process to `runCli()`. */
const abort = new AbortController();
let isOver = false;
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // Whoever presses Ctrl-C a second time does not want to wait for undo steps. And a command that is over has nothing
    // left to end: what still keeps the process may not outlive a signal.
    if (isOver || abort.signal.aborted) process.exit(name === "SIGINT" ? EXIT.interrupted : EXIT.terminated);
    abort.abort(name);
  });
}
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `bootlace graph | head` closes the pipe early, and that is no failure.
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: abort.signal,
});
isOver = true;
