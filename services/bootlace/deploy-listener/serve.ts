import { createServer, type IncomingMessage } from "node:http";
import { httpsRequest } from "../../lib/https-request.ts";
import { assertOurs, type Deployment, parseDeployment } from "./deployment.ts";
import { parseMessage, type SnsMessage } from "./message.ts";
import { perMinute } from "./per-minute.ts";
import type { Settings } from "./settings.ts";
import { isOfSns, verifyMessage } from "./verify-message.ts";

/** What the process that the network reaches tells the one that may act. */
export type Told =
  | { readonly k: "listening" }
  | { readonly k: "confirmed"; readonly arn: string }
  | { readonly k: "deployment"; readonly id: string; readonly deployment: Deployment };

/** The largest message of SNS, and what surrounds it: "Amazon SNS quotas". */
const MOST_BYTES = 400_000;
/** In a minute: refusals that the log tells, and certificates that are fetched. */
const REFUSALS = 30;
const CERTIFICATES = 10;

/**
 * The HTTP server, as a login without rights: it verifies, confirms subscriptions, and hands deployments on. A sender learns
 * nothing but a status; the log has the reason.
 */
export function serve(settings: Settings, tell: (told: Told) => void): void {
  const { topic, host, port } = settings;
  const certificate = certificates();
  const mayTell = perMinute(REFUSALS);
  const handle = async (request: IncomingMessage): Promise<void> => {
    if (request.method !== "POST") throw new Error(`${request.method} is not what SNS sends`);
    const message = parseMessage(await bodyOf(request));
    await verifyMessage(message, { topic, now: Date.now(), certificate });
    if (message.Type === "SubscriptionConfirmation") tell({ k: "confirmed", arn: await confirm(message, topic) });
    if (message.Type !== "Notification") return;
    const deployment = parseDeployment(message.Message);
    assertOurs(deployment, settings);
    tell({ k: "deployment", id: message.MessageId, deployment });
  };
  const server = createServer({ requestTimeout: 15_000, headersTimeout: 10_000 }, (request, response) => {
    handle(request).then(
      () => response.writeHead(200).end(),
      (error: Error) => {
        if (mayTell(Date.now()))
          console.log(`refused a message: ${error.message.replace(/[^ -~]/g, "?").slice(0, 500)}`);
        // SNS does not repeat what is refused with 4xx.
        response.writeHead(403, { connection: "close" }).end();
      },
    );
  });
  server.maxConnections = 64;
  server.listen(port, host, () => tell({ k: "listening" }));
}

/** The confirmation's own address is asked: it needs no credentials. Answers the subscription's ARN. */
async function confirm({ SubscribeURL = "" }: SnsMessage, topic: string): Promise<string> {
  const asked = URL.canParse(SubscribeURL) ? new URL(SubscribeURL).searchParams : undefined;
  if (
    !isOfSns(SubscribeURL, topic) ||
    asked?.get("TopicArn") !== topic ||
    asked.get("Action") !== "ConfirmSubscription"
  )
    throw new Error("Its SubscribeURL is not SNS's for this topic");
  const { status, body } = await httpsRequest(SubscribeURL);
  const [, arn] = /<SubscriptionArn>([^<]+)<\/SubscriptionArn>/.exec(body) ?? [];
  if (status !== 200 || arn === undefined) throw new Error(`SNS answered the confirmation with ${status}`);
  return arn;
}

/** SNS signs with one certificate for months, so one is kept. */
function certificates(): (url: string) => Promise<string> {
  let known: { readonly url: string; readonly pem: string } | undefined;
  const mayFetch = perMinute(CERTIFICATES);
  return async (url) => {
    if (known?.url !== url) {
      if (!mayFetch(Date.now())) throw new Error(`Certificates were asked for ${CERTIFICATES} times in this minute`);
      const { status, body } = await httpsRequest(url);
      if (status !== 200) throw new Error(`${url} answered with ${status}`);
      known = { url, pem: body };
    }
    return known.pem;
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(part);
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error(`It has more than ${MOST_BYTES} bytes`);
  }
  return Buffer.concat(parts).toString();
}
