import { setTimeout as sleep } from "node:timers/promises";
import type { SNS } from "@aws-sdk/client-sns";
import { readState, writeState } from "../../lib/state-file.ts";
import { filesIn, type Settings } from "./settings.ts";

interface Subscription {
  readonly arn: string;
  readonly topic: string;
  readonly url: string;
  readonly instance: string;
}

/** SNS sends the confirmation at once and tries again for a while. */
const CONFIRMED_MS = 60_000;

/** The subscription that this machine has by its own notes. */
export function ownSubscription(state: string, instance: string): Subscription | undefined {
  const own = readState<Subscription>(filesIn(state).subscription);
  return own?.instance === instance ? own : undefined;
}

/**
 * Sees to it that the topic delivers to this machine: nothing where SNS knows the subscription, else a new one, which the
 * running listener confirms.
 *
 * @returns Whether there is a new one.
 * @throws {Error} When the confirmation does not arrive: SNS cannot reach the machine.
 */
export async function ensureSubscription(client: SNS, state: string, settings: Settings): Promise<boolean> {
  const { topic, url, instance } = settings;
  const own = ownSubscription(state, instance);
  const same = own?.topic === topic && own.url === url;
  if (same && (await isThere(client, own.arn))) return false;
  if (own && !same) await unsubscribe(client, own.arn);
  const { SubscriptionArn } = await client.subscribe({
    TopicArn: topic,
    Protocol: url.startsWith("https:") ? "https" : "http",
    Endpoint: url,
    ReturnSubscriptionArn: true,
  });
  // SNS confirms nothing that was confirmed before, such as when our own notes were lost.
  const there = await client.getSubscriptionAttributes({ SubscriptionArn }).catch(orGone);
  if (there?.Attributes?.PendingConfirmation === "false" && SubscriptionArn !== undefined) {
    writeState(filesIn(state).subscription, { arn: SubscriptionArn, topic, url, instance } satisfies Subscription);
    return true;
  }
  for (const until = Date.now() + CONFIRMED_MS; ownSubscription(state, instance)?.arn !== SubscriptionArn; ) {
    if (Date.now() > until)
      throw new Error(`SNS did not confirm within a minute: can it reach ${url}, and is its port open to it?`);
    await sleep(100);
  }
  return true;
}

/** A subscription that is gone already is no failure. */
export async function unsubscribe(client: SNS, arn: string): Promise<void> {
  await client.unsubscribe({ SubscriptionArn: arn }).catch(orGone);
}

async function isThere(client: SNS, arn: string): Promise<boolean> {
  return (await client.getSubscriptionAttributes({ SubscriptionArn: arn }).catch(orGone)) !== undefined;
}

function orGone(error: Error): undefined {
  if (error.name !== "NotFoundException" && error.name !== "NotFound") throw error;
}
