import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fillFacts } from "../execute/environment.ts";
import type { Facts } from "../types/facts.ts";
import type { Ready } from "../types/service.ts";

const PAUSE = 200;

/** One line for people: what is waited for. */
export function describeReady(ready: Ready): string {
  switch (ready.kind) {
    case "http":
      return `${ready.url} to answer ${ready.status}`;
    case "tcp":
      return `${ready.host}:${ready.port} to accept`;
    case "run":
      return `${ready.script.file} to exit 0`;
    case "log":
      return `/${ready.pattern}/ in ${ready.file}`;
  }
}

/**
 * Asks again and again until the service is ready.
 *
 * @param runScript runs a `run` check, resolves to its exit status.
 * @returns undefined when ready, else what the last try found.
 */
export async function waitReady(
  ready: Ready,
  facts: Facts,
  signal: AbortSignal,
  runScript: () => Promise<number>,
): Promise<string | undefined> {
  const deadline = performance.now() + ready.within;
  for (;;) {
    const left = Math.max(1, deadline - performance.now());
    const found = await tryOnce(ready, facts, Math.min(left, 5000), runScript);
    if (found === undefined) return undefined;
    if (signal.aborted || performance.now() + PAUSE >= deadline) return found;
    await sleep(PAUSE, undefined, { signal }).catch(() => {});
  }
}

async function tryOnce(
  ready: Ready,
  facts: Facts,
  timeout: number,
  runScript: () => Promise<number>,
): Promise<string | undefined> {
  switch (ready.kind) {
    case "http":
      return tryHttp(fillFacts(ready.url, facts), ready.status, timeout);
    case "tcp":
      return tryTcp(fillFacts(ready.host, facts), ready.port, timeout);
    case "run": {
      const status = await runScript();
      return status === 0 ? undefined : `${ready.script.file} exits ${status}`;
    }
    case "log":
      return tryLog(ready.file, ready.pattern);
  }
}

async function tryHttp(url: string, status: number, timeout: number): Promise<string | undefined> {
  // Loaded only here: TLS costs every start some milliseconds, and most boots ask nobody.
  const { request } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return new Promise((resolve) => {
    const call = request(url, { timeout }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === status ? undefined : `${url} answers ${answer.statusCode}`);
    });
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", (error) => resolve(`${url}: ${error.message}`));
    call.end();
  });
}

function tryTcp(host: string, port: number, timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (found: string | undefined): void => {
      socket.destroy();
      resolve(found);
    };
    socket.on("connect", () => end(undefined));
    socket.on("timeout", () => end(`${host}:${port} does not answer`));
    socket.on("error", (error) => end(error.message));
  });
}

/** Looks at the last mebibyte: a log may be large. */
function tryLog(file: string, pattern: string): string | undefined {
  if (!existsSync(file)) return `${file} is not there`;
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    return `${file} is not a file`;
  }
  const { size } = fstatSync(fd);
  const bytes = Buffer.alloc(Math.min(size, 1 << 20));
  readSync(fd, bytes, 0, bytes.length, size - bytes.length);
  closeSync(fd);
  return new RegExp(pattern, "m").test(bytes.toString("utf8")) ? undefined : `/${pattern}/ is not in ${file}`;
}
