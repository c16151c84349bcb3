import { spawn } from "node:child_process";
import { EXIT, type ExitCode } from "../../../stage2/index.ts";

/**
 * Runs the machine's own code on the very machine that the desk stands on, at the same terminal.
 *
 * @param runner The file stage2.mjs. @param argv Its command and options.
 * @returns its exit code.
 */
export function runHere(runner: string, argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const child = spawn(process.execPath, [runner, ...argv], { stdio: "inherit" });
  // A terminal sends its signals to both of us; others reach only this process, so they are handed on.
  const handOn = (): void => void child.kill(signal.reason === "SIGTERM" ? "SIGTERM" : "SIGINT");
  if (signal.aborted) handOn();
  signal.addEventListener("abort", handOn, { once: true });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, killed) => {
      signal.removeEventListener("abort", handOn);
      resolve((code ?? (killed === "SIGTERM" ? EXIT.terminated : EXIT.interrupted)) as ExitCode);
    });
  });
}
