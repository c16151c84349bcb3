import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, createWriteStream, type FSWatcher, watch, writeSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { publicKeyBlob } from "../../session/ssh-key.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import { identifyProcess } from "../process-identity.ts";
import { bootCommand, escapeLayer } from "./commands.ts";
import { claimFolder } from "./own-folder.ts";
import { type SandboxFiles, type SandboxSpec, type SandboxState, sandboxFiles, storageOf } from "./sandbox-spec.ts";
import { INIT_SCRIPT, SETUP_SCRIPT } from "./setup-script.ts";
import { startSshServer } from "./ssh-server.ts";

/** `unshare` ends like this when PID 1 asks for another boot (128 + HUP, what reboot(2) does in a PID namespace). */
const REBOOT = 129;
/** PID 1 gives its processes 10 s; what then still hangs is killed from outside, in milliseconds. */
const PATIENCE = 15_000;

/**
 * The process on the host that holds a sandbox: starts it, serves SSH into it, ends with it. The sandbox dies with it.
 * Says `ready` or an error's text on fd 3, once, and closes it.
 *
 * @param folder the machine's folder with `spec.json` and keys.
 * @returns when the sandbox has ended.
 */
export async function superviseSandbox(folder: string): Promise<void> {
  const files = sandboxFiles(folder);
  const spec = await readJson<SandboxSpec>(files.spec);
  if (!spec) throw new Error(`${files.spec} is missing`);
  // /var/tmp and /dev/shm may have been emptied since the launch, and the name is known by then.
  await claimFolder(spec.depot);
  let init: number | undefined;
  let child: ChildProcess | undefined;
  let stopping = false;
  const stop = () => {
    stopping = true;
    if (init !== undefined) process.kill(init, "SIGTERM");
    setTimeout(() => child?.kill("SIGKILL"), PATIENCE).unref();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  const server = await startSshServer(await readKeys(files), () => init);
  try {
    for (let again = false; !stopping; again = true) {
      const boot = randomUUID();
      const started = await bootOnce(spec, boot, files);
      child = started.child;
      init = started.init;
      await writeState(files, init, server.port, boot);
      if (!again) tell("ready");
      const watcher = watchForReboot(init);
      const exit = await started.ended;
      watcher?.close();
      init = undefined;
      if (exit !== REBOOT) break;
    }
  } finally {
    await rm(files.state, { force: true });
    server.close();
  }
}

async function readKeys(files: SandboxFiles): Promise<{ host: string; user: string }> {
  const [host, user] = await Promise.all([readFile(files.hostKey, "utf8"), readFile(`${files.userKey}.pub`, "utf8")]);
  if (publicKeyBlob(user).length === 0) throw new Error(`${files.userKey}.pub holds no key`);
  return { host, user };
}

async function bootOnce(spec: SandboxSpec, boot: string, files: SandboxFiles) {
  const folder = `machines/${spec.id}`;
  await writeBootParts(spec, boot);
  const layers = spec.layers.map((layer) => `layers/${layer.digest}`).reverse();
  const bottom = spec.stack === "nested" ? [`${folder}/below`] : [`${folder}/cover`, escapeLayer(spec.root)];
  const [file = "", ...args] = bootCommand({
    folder,
    below: spec.stack === "nested" ? escapeLayer(spec.root) : "",
    lower: [...layers, `${folder}/mask`, ...bottom].join(":"),
    hostname: spec.hostname,
    machineId: spec.machineId,
  });
  const console = createWriteStream(files.console, { flags: "a", mode: 0o600 });
  const child = spawn(file, args, { cwd: spec.depot, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  child.stdout?.pipe(console);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
    console.write(chunk);
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGHUP" ? REBOOT : 128)));
  });
  // Not read to its end: unshare(1) itself holds the pipe open for as long as the sandbox lives.
  const told = once(child.stdio[3] as NodeJS.ReadableStream, "data").then(([chunk]) => String(chunk));
  const init = Number(/^pid=(\d+)$/m.exec(await Promise.race([told, ended.then(() => "")]))?.[1]);
  if (!init) {
    throw new Error(said.trim() || "the sandbox ended before it was up");
  }
  return { child, init, ended };
}

/** As files rather than arguments, so that ps(1) stays readable. */
async function writeBootParts(spec: SandboxSpec, boot: string): Promise<void> {
  const folder = join(storageOf(spec), "boot");
  await mkdir(folder, { recursive: true });
  const parts = {
    setup: SETUP_SCRIPT,
    init: INIT_SCRIPT,
    seed: makeSeed(spec, boot),
    "resolv.conf": await readFile("/etc/resolv.conf", "utf8").catch(() => ""),
  };
  for (const [name, text] of Object.entries(parts)) await writeFile(join(folder, name), text);
}

function makeSeed(spec: SandboxSpec, boot: string): string {
  const { id, purpose, hostname } = spec;
  return `provider=sandbox\nmachine=${id}\nboot=${boot}\npurpose=${purpose}\nhostname=${hostname}\n`;
}

/** The runner asks for a reboot by a file, because reboot(8) wants a systemd; PID 1 reboots on HUP. */
function watchForReboot(init: number): FSWatcher | undefined {
  try {
    return watch(`/proc/${init}/root/run/bootlace`, (_event, name) => {
      if (name === "reboot") process.kill(init, "SIGHUP");
    }).on("error", () => {});
  } catch {
    return undefined;
  }
}

async function writeState(files: SandboxFiles, init: number, port: number, boot: string): Promise<void> {
  const supervisor = identifyProcess(process.pid);
  const first = identifyProcess(init);
  if (!supervisor || !first) throw new Error("the sandbox ended while it came up");
  await writeJson(files.state, { supervisor, init: first, port, boot } satisfies SandboxState);
}

/** Who started us waits on fd 3 until it is closed. */
export function tell(word: string): void {
  writeSync(3, `${word}\n`);
  closeSync(3);
}
