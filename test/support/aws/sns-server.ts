import { randomInt, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certify } from "../certificates.ts";
import { TEST_KEY } from "./s3-server.ts";
import { type Fields, type MessageSigner, makeSigner } from "./sns-messages.ts";
import { bodyOf, escapeXml, refusalOf } from "./verify-request.ts";

export interface SnsSubscription {
  readonly arn: string;
  readonly endpoint: string;
  confirmed: boolean;
}

export interface SnsServer {
  /** For AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly topic: string;
  /** `sns.eu-west-1.amazonaws.com`, which /etc/hosts has to lead to {@link address}: certificates and confirmations. */
  readonly host: string;
  /** A loopback address with a TLS server at 443. */
  readonly address: string;
  /** Who signed that server's certificate, PEM. */
  readonly authority: string;
  readonly subscriptions: SnsSubscription[];
  readonly calls: string[];
  readonly signer: MessageSigner;
  /** Posts a message to an endpoint as it is; answers the status. */
  post(endpoint: string, message: Fields): Promise<number>;
  close(): Promise<void>;
}

const NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/";
const REGION = "eu-west-1";

/** SNS on loopback: the Query protocol for the unmodified SDK, HTTP endpoints that must confirm, messages that are signed. */
export async function startSns(): Promise<SnsServer> {
  const topic = `arn:aws:sns:${REGION}:111122223333:deployments`;
  const host = `sns.${REGION}.amazonaws.com`;
  const address = `127.${randomInt(80, 250)}.${randomInt(250)}.${randomInt(1, 250)}`;
  const folder = mkdtempSync(join(tmpdir(), "bootlace-sns-"));
  const tls = certify(folder, host);
  const authority = readFileSync(tls.authority, "utf8");
  rmSync(folder, { recursive: true });
  const pem = `SimpleNotificationService-${randomUUID().replaceAll("-", "")}.pem`;
  const signer = makeSigner(`https://${host}/${pem}`);
  const subscriptions: SnsSubscription[] = [];
  const calls: string[] = [];
  const bugs: Error[] = [];

  const post = async (endpoint: string, message: Fields): Promise<number> => {
    const headers = { "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": message.Type ?? "" };
    return (await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(message) })).status;
  };
  const confirmation = ({ arn, endpoint }: SnsSubscription): void => {
    const SubscribeURL = `https://${host}/?Action=ConfirmSubscription&TopicArn=${topic}&Token=${encodeURIComponent(arn)}`;
    const fields = {
      Type: "SubscriptionConfirmation",
      Message: "You have chosen…",
      TopicArn: topic,
      Token: arn,
      SubscribeURL,
    };
    post(endpoint, signer.sign(fields)).catch(() => {});
  };

  function answer(action: string, form: URLSearchParams): string | undefined {
    const arn = form.get("SubscriptionArn");
    const known = subscriptions.find((each) => each.arn === arn);
    if (action === "Subscribe") {
      const endpoint = form.get("Endpoint") ?? "";
      const there = subscriptions.find((each) => each.endpoint === endpoint);
      const made = there ?? { arn: `${topic}:${randomUUID()}`, endpoint, confirmed: false };
      if (!there) subscriptions.push(made);
      if (!made.confirmed) confirmation(made);
      return `<SubscriptionArn>${made.arn}</SubscriptionArn>`;
    }
    if (action === "Unsubscribe") {
      if (known) subscriptions.splice(subscriptions.indexOf(known), 1);
      return "";
    }
    if (action === "GetSubscriptionAttributes")
      return (
        known &&
        `<Attributes><entry><key>PendingConfirmation</key><value>${!known.confirmed}</value></entry></Attributes>`
      );
    if (action === "ListSubscriptionsByTopic") {
      const members = subscriptions.map(
        ({ arn: each, endpoint, confirmed }) =>
          `<member><SubscriptionArn>${confirmed ? each : "PendingConfirmation"}</SubscriptionArn><Protocol>http</Protocol><Endpoint>${escapeXml(endpoint)}</Endpoint></member>`,
      );
      return `<Subscriptions>${members.join("")}</Subscriptions>`;
    }
    if (action === "Publish") {
      const message = signer.sign({ Message: form.get("Message") ?? "", TopicArn: form.get("TopicArn") ?? "" }, "2");
      for (const { endpoint, confirmed } of subscriptions) if (confirmed) post(endpoint, message).catch(() => {});
      return `<MessageId>${message.MessageId}</MessageId>`;
    }
    throw new Error(`${action} is not built into this endpoint`);
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const form = new URLSearchParams(body.toString());
    const action = form.get("Action") ?? "";
    calls.push(action);
    const refusal = refusalOf(request, body, { keys: [TEST_KEY], region: REGION, service: "sns" });
    const refuse = (status: number, code: string) =>
      void response
        .writeHead(status, { "content-type": "text/xml" })
        .end(
          `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`,
        );
    if (refusal) return refuse(403, refusal);
    const result = answer(action, form);
    if (result === undefined) return refuse(404, "NotFound");
    response
      .writeHead(200, { "content-type": "text/xml" })
      .end(`<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result></${action}Response>`);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => {
      bugs.push(error);
      request.socket.destroy();
    });
  });
  const open = createTlsServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", `https://${host}`);
    if (pathname === `/${pem}`) return void response.end(signer.certificate);
    const known = subscriptions.find(({ arn }) => arn === searchParams.get("Token"));
    if (!known) return void response.writeHead(404).end();
    known.confirmed = true;
    response.end(
      `<ConfirmSubscriptionResponse><ConfirmSubscriptionResult><SubscriptionArn>${known.arn}</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => open.listen(443, address, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    topic,
    host,
    address,
    authority,
    subscriptions,
    calls,
    signer,
    post,
    async close() {
      for (const each of [server, open]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
      if (bugs.length > 0) throw new AggregateError(bugs, bugs.map(({ message }) => message).join("; "));
    },
  };
}
