import { assertOurs, parseDeployment } from "./deployment.ts";
import type { Told } from "./serve.ts";
import type { Settings } from "./settings.ts";

/**
 * Reads what the server says. The network reaches the server, so whoever takes it over must not get further: a deployment is
 * looked at as if nobody had done so before, and a subscription has to be the topic's.
 *
 * @returns Undefined for what the server has no reason to say.
 */
export function readTold(said: unknown, settings: Settings): Told | undefined {
  const { k, id, arn, deployment }: Readonly<Record<string, unknown>> = { ...(said as object) };
  if (k === "listening") return { k };
  if (k === "confirmed") {
    const prefix = `${settings.topic}:`;
    const whole = typeof arn === "string" && arn.startsWith(prefix) ? arn : undefined;
    return whole !== undefined && PLAIN.test(whole.slice(prefix.length)) ? { k, arn: whole } : undefined;
  }
  if (k !== "deployment" || typeof id !== "string" || !PLAIN.test(id)) return undefined;
  try {
    const read = parseDeployment(JSON.stringify(deployment));
    assertOurs(read, settings);
    return { k, id, deployment: read };
  } catch {
    return undefined;
  }
}

/** Ids of messages and of subscriptions are UUIDs. */
const PLAIN = /^[A-Za-z0-9-]{1,64}$/;
