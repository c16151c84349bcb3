import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
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
  /** GIT_SSH_COMMAND, where neither the environment nor the user's settings name one. */
  readonly ssh?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Variables of git(1) that say how to reach a server and which settings are the user's. All others (where objects go, which
 * folder is the repository) are for the repository that somebody runs a hook in, and never for one that is fetched.
 */
const OF_THE_USER =
  /^GIT_(SSH(_COMMAND|_VARIANT)?|ASKPASS|SSL_.*|PROXY_SSL_.*|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|(KEY|VALUE)_\d+))$/;

type Git = ChildProcessByStdio<Writable | null, Readable, Readable>;

/**
 * Starts git without a terminal, so that neither it nor ssh can ask for anything; a session of its own, which ends when
 * the signal comes.
 *
 * @param input For its standard input; nothing where it is not given.
 */
export function startGit(argv: readonly string[], run: GitRun, input?: string): Git {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_") || OF_THE_USER.test(name));
  const child: Git = spawn("git", [...SAFE, ...argv], {
    cwd: run.dir,
    env: {
      ...(run.ssh === undefined ? {} : { GIT_SSH_COMMAND: run.ssh }),
      ...Object.fromEntries(env),
      GIT_DIR: run.dir,
      GIT_NO_LAZY_FETCH: "1",
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ALLOW_PROTOCOL: run.protocols ?? "none",
      SSH_ASKPASS_REQUIRE: "never",
    },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  // It may end before it has read all; why, its status tells.
  child.stdin?.on("error", () => {}).end(input);
  const stop = (): void => stopGit(child);
  run.signal?.addEventListener("abort", stop, { once: true });
  child.once("close", () => run.signal?.removeEventListener("abort", stop));
  return child;
}

/** Ends git with all that it started. */
export function stopGit({ pid }: Git): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
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
export async function gitEnded(child: Git, signal: AbortSignal | undefined): Promise<void> {
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
