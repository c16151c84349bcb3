import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { placeFile } from "../../lib/state-file.ts";
import { filesIn, type Settings } from "./settings.ts";

const TERM_MS = 5000;

/**
 * Keeps the listener running: one that runs with this very program and these settings stays.
 *
 * @param script This program, bundled.
 * @returns Whether it was started.
 */
export async function ensureListener(state: string, script: string, settings: Settings): Promise<boolean> {
  const files = filesIn(state);
  const digest = createHash("sha256").update(readFileSync(script)).update(JSON.stringify(settings)).digest("hex");
  const [pid = "", known] = textOf(files.pid).trim().split(" ");
  if (known === digest && isListener(Number(pid), files.program)) return false;
  await stopListener(state);
  // The process without rights reads it too; it holds no secret.
  placeFile(files.program, readFileSync(script, "utf8"), 0o644);
  const log = openSync(files.log, "a", 0o640);
  const argv = [files.program, "listen", state, JSON.stringify(settings)];
  const { AWS_ENDPOINT_URL, AWS_EC2_METADATA_SERVICE_ENDPOINT, PATH } = process.env;
  const env = { PATH, AWS_ENDPOINT_URL, AWS_EC2_METADATA_SERVICE_ENDPOINT };
  const child = spawn(process.execPath, argv, { cwd: "/", env, detached: true, stdio: ["ignore", log, log, "ipc"] });
  closeSync(log);
  placeFile(files.pid, `${child.pid} ${digest}\n`, 0o644);
  const outcome = await new Promise<string>((resolve) => {
    child.once("message", () => resolve("listening"));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? `exit ${code}`}`));
    child.once("error", (error) => resolve(error.message));
  });
  if (outcome !== "listening")
    throw new Error(`The listener did not start: ${outcome}\n${textOf(files.log).split("\n").slice(-10).join("\n")}`);
  child.disconnect();
  child.unref();
  return true;
}

/** Ends the listener: TERM, and KILL after five seconds. Runs that it has begun go on. */
export async function stopListener(state: string): Promise<void> {
  const files = filesIn(state);
  const pid = Number(textOf(files.pid).split(" ")[0]);
  for (let waited = 0; isListener(pid, files.program); waited += 50) {
    process.kill(pid, waited < TERM_MS ? "SIGTERM" : "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  rmSync(files.pid, { force: true });
}

/** The number may belong to somebody else by now: another boot, another machine made from our image. */
function isListener(pid: number, program: string): boolean {
  const words = pid > 1 ? textOf(`/proc/${pid}/cmdline`).split("\0") : [];
  return words[1] === program && words[2] === "listen";
}

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
