import { randomBytes } from "node:crypto";
import { BootlaceError } from "../../stage2/index.ts";
import type { NotifyConfig } from "../manifest/project-schema.ts";
import type { Store } from "../store/store.ts";
import { SnsTopic } from "./sns-topic.ts";

interface Announcement {
  readonly store: Store;
  readonly project: string;
  readonly channel: string;
  readonly notify: NotifyConfig;
  /** Somebody will wait for results. */
  readonly wait: boolean;
}

export interface Announced {
  readonly deployment: string;
  /** Who listens and follows the channel, when somebody waits: instance ids, from the addresses of their endpoints. */
  readonly machines: readonly string[];
}

/**
 * Tells the machines that listen to the project's topic that the channel has moved. The form of the message is
 * docs/stock-services.md's.
 *
 * @throws {BootlaceError} `E_NOTIFY`.
 */
export async function announce({ store, project, channel, notify, wait }: Announcement): Promise<Announced> {
  if (wait && store.results === undefined)
    throw new BootlaceError("E_NOTIFY", `Machines cannot write results to ${store.url}, so none can be waited for`, {
      hint: "Use a store in S3, or leave --wait out.",
    });
  const topic = new SnsTopic(notify.topic);
  // Before the message: who joins meanwhile may have booted with the new bundle, and owes no result.
  const endpoints = wait ? await topic.endpoints() : [];
  const time = new Date()
    .toISOString()
    .replace(/[-:]|\.\d{3}Z/g, "")
    .toLowerCase();
  const deployment = `${time}-${randomBytes(4).toString("hex")}`;
  await topic.publish(JSON.stringify({ bootlace: 1, deployment, project, channel, services: notify.services }));
  const machines = endpoints.flatMap((url) => {
    const [, of, follows, machine] = /\/bootlace\/([^/]+)\/([^/]+)\/([A-Za-z0-9._-]+)$/.exec(url) ?? [];
    return of === project && follows === channel && machine !== undefined ? machine : [];
  });
  return { deployment, machines: [...new Set(machines)].sort() };
}
