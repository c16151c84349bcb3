import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { FetchFailure } from "./fetching.ts";

/**
 * Settings that keep a repository from running anything here: no hooks, no submodules, no file system monitor, and only
 * the protocols that an artifact may name. The user's own settings count (credential helpers, proxies, `insteadOf`).
 */
const SAFE = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["fetch.recurseSubmodules", "no"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["transfer.fsckObjects", "true"],
  // A connection that gives less than this (bytes a second) for so long (seconds) is dead.
  ["http.lowSpeedLimit", "1000"],
  ["http.lowSpeedTime", "60"],
].flatMap(([key, value]) => ["-c", `${key}=${value}`]);

export interface GitRun {
  /** The repository's folder. */
  readonly dir: string;
  /** Names of git(1), GIT_ALLOW_PROTOCOL: `https:ssh`. */
  readonly protocols?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Starts git without a terminal, so that neither it nor ssh can ask for anything. */
export function startGit(argv: readonly string[], run: GitRun): ChildProcessByStdio<null, Readable, Readable> {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...env } = process.env;
  const child = spawn("git", [...SAFE, ...argv], {
    cwd: run.dir,
    env: {
      ...env,
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ALLOW_PROTOCOL: run.protocols ?? "none",
      SSH_ASKPASS_REQUIRE: "never",
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A session of its own has no terminal.
    detached: true,
  });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  run.signal?.addEventListener("abort", stop, { once: true });
  child.once("close", () => run.signal?.removeEventListener("abort", stop));
  return child;
}

/** Runs git to its end; answers what it printed. @throws {FetchFailure} with what it said when it fails. */
export async function runGit(argv: readonly string[], run: GitRun): Promise<Buffer> {
  const child = startGit(argv, run);
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  await gitEnded(child, run.signal);
  return Buffer.concat(parts);
}

/** Resolves when git has ended well. @throws {FetchFailure} */
export async function gitEnded(child: ReturnType<typeof startGit>, signal: AbortSignal | undefined): Promise<void> {
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => {
    stderr = `${stderr}${part.toString()}`.slice(-4000);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new FetchFailure("git cannot be run", { again: false, hint: "Install git.", cause })),
    );
    child.once("close", resolve);
  });
  signal?.throwIfAborted();
  if (status === 0) return;
  const said = stderr.trim().split("\n").slice(-2).join(" ").slice(0, 500);
  throw new FetchFailure(`git: ${said || `exit ${status}`}`, { again: false });
}
