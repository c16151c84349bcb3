import { join } from "node:path";
import { readBootConf } from "./boot-conf.ts";

/** The service's params and what the runner says; the daemon keeps them in a file. */
export interface Settings {
  readonly topic: string;
  /** Services that a message may name; empty for all. */
  readonly services: readonly string[];
  readonly url: string;
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly runAs: string;
  /** Milliseconds. */
  readonly debounce: number;
  readonly instance: string;
  readonly root: string;
  /** What this machine is of and follows, by its boot.conf: a message for another one is not for it. */
  readonly project: string;
  readonly channel: string;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { TOPIC = "", SERVICES = "", URL: url = "", ADDRESS = "", HOST = "", PORT, RUN_AS = "", DEBOUNCE } = env;
  const root = env.BOOTLACE_ROOT ?? "/";
  const conf = readBootConf(root);
  return {
    topic: TOPIC,
    services: SERVICES.split(" ").filter(Boolean),
    url,
    address: ADDRESS,
    host: HOST,
    port: Number(PORT),
    runAs: RUN_AS,
    debounce: Number(DEBOUNCE) * 1000,
    instance: env.BOOTLACE_INSTANCE_ID ?? "",
    root,
    project: conf.get("project") ?? "",
    channel: conf.get("channel") ?? "",
  };
}

/** Files of the service's state. */
export const filesIn = (state: string) => ({
  /** This very program, bundled: the bundle it came with may be removed while it runs. */
  program: join(state, "listener.mjs"),
  settings: join(state, "settings.json"),
  pid: join(state, "listener.pid"),
  log: join(state, "listener.log"),
  subscription: join(state, "subscription.json"),
  queue: join(state, "queue.json"),
});
