import { execFileSync, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { writeState } from "../../lib/state-file.ts";
import { boundLog } from "./bound-log.ts";
import { DeploymentQueue, servicesOf } from "./queue.ts";
import { readTold } from "./read-told.ts";
import { filesIn, type Settings } from "./settings.ts";

/** Between the end of the server and its next start, milliseconds. */
const RESTART_MS = 2000;
/** Between two looks at the log's size, milliseconds. */
const LOG_MS = 60_000;

/**
 * The process that may act: keeps the server, takes what it hands on, and starts one run at a time. A run is a process of its own
 * that outlives this one: it may bring a newer listener.
 */
export async function listen(state: string, settings: Settings, tell: () => void): Promise<never> {
  const files = filesIn(state);
  const queue = new DeploymentQueue(files.queue);
  let running = false;
  let listening = false;
  const run = async (): Promise<void> => {
    if (running || queue.empty) return;
    running = true;
    await sleep(settings.debounce);
    const deployments = queue.take();
    const order = JSON.stringify({
      deployments: deployments.map(({ deployment }) => deployment),
      services: servicesOf(deployments),
    });
    console.log(`run for ${order}`);
    await ended(
      spawn(process.execPath, [files.program, "deploy", state, order, JSON.stringify(settings)], {
        detached: true,
        stdio: ["ignore", 1, 2],
      }),
    );
    running = false;
    void run();
  };
  const hear = (said: unknown): void => {
    const told = readTold(said, settings);
    if (told === undefined) {
      console.log("refused: SNS could not have made the server say that");
      return;
    }
    if (told.k === "listening") {
      listening = true;
      tell();
    }
    if (told.k === "confirmed") {
      console.log(`subscribed: ${told.arn}`);
      writeState(files.subscription, {
        arn: told.arn,
        topic: settings.topic,
        url: settings.url,
        instance: settings.instance,
      });
    }
    if (told.k === "deployment") {
      const fresh = queue.add(told.id, told.deployment, Date.now());
      console.log(
        `${fresh ? "deployment" : "again, and not taken:"} ${told.deployment.deployment} by message ${told.id}`,
      );
      void run();
    }
  };
  void run();
  setInterval(() => boundLog(files.log), LOG_MS).unref();
  for (;;) {
    // Its environment is empty: what the network reaches has neither credentials nor the runner's variables.
    const server = spawn(process.execPath, [files.program, "serve", JSON.stringify(settings)], {
      ...idsOf(settings.runAs),
      cwd: "/",
      env: { PATH: process.env.PATH },
      stdio: ["ignore", 1, 2, "ipc"],
    });
    server.on("message", hear);
    process.once("SIGTERM", () => {
      server.kill();
      process.exit(0);
    });
    await ended(server);
    process.removeAllListeners("SIGTERM");
    if (!listening) throw new Error("The server could not listen");
    console.log("the server ended; it is started again");
    await sleep(RESTART_MS);
  }
}

const ended = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));

/** Numeric ids for spawn(), or none where we are not root and could not change them anyway. */
function idsOf(user: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0 || user === "root") return {};
  const id = (flag: string): number => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
