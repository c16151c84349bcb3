#!/usr/bin/env node
import { spawn } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { idsOf, readText, settings, stopServer } from "./daemon.mjs";

const given = settings();
await stopServer(given);

rmSync(given.root, { recursive: true, force: true });
cpSync(given.app, given.root, { recursive: true });
const ids = idsOf(given.user);
if (given.socket !== "") {
  mkdirSync(dirname(given.socket), { recursive: true });
  if (ids.uid !== undefined) chownSync(dirname(given.socket), ids.uid, ids.gid);
  rmSync(given.socket, { force: true });
}

const log = openSync(given.log, "a", 0o640);
const server = spawn(process.execPath, [given.program], {
  ...ids,
  cwd: given.root,
  detached: true, // a session of its own: it outlives the runner
  stdio: ["ignore", log, log, "ipc"],
});
writeFileSync(given.pidFile, `${server.pid}\n`);

const outcome = await new Promise((resolve) => {
  server.once("message", () => resolve("listening"));
  server.once("exit", (code, signal) => resolve(`it ended with ${signal ?? `exit ${code}`}`));
  server.once("error", (error) => resolve(error.message));
});
if (outcome !== "listening") {
  const tail = readText(given.log).split("\n").slice(-12).join("\n");
  console.error(`${given.program} did not start: ${outcome}\n${tail}`);
  process.exit(1);
}
if (given.socket !== "") chmodSync(given.socket, 0o666);
console.log(`listens at ${given.socket || `${given.host}:${given.port}`}, pid ${server.pid}`);
server.disconnect();
server.unref();
