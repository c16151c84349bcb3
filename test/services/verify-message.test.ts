import { expect, test } from "vitest";
import { parseMessage, type SnsMessage } from "../../services/bootlace/deploy-listener/message.ts";
import { isOfSns, verifyMessage } from "../../services/bootlace/deploy-listener/verify-message.ts";
import { type Fields, makeSigner } from "../support/aws/sns-messages.ts";

const topic = "arn:aws:sns:eu-west-1:111122223333:deployments";
const signer = makeSigner("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem");
const notice: Fields = { Message: '{"a":1}', TopicArn: topic };

const asked: string[] = [];
const verify = (message: Fields, now = Date.now(), of = topic) =>
  verifyMessage(parseMessage(JSON.stringify(message)), {
    topic: of,
    now,
    certificate: async (url) => {
      asked.push(url);
      return signer.certificate;
    },
  });

test.each(["1", "2"] as const)(
  "verifyMessage() believes what SNS signed, version %s, subject or not",
  async (version) => {
    await verify(signer.sign(notice, version));
    await verify(signer.sign({ ...notice, Subject: "A deployment" }, version));
    const SubscribeURL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription";
    await verify(signer.sign({ ...notice, Type: "SubscriptionConfirmation", Token: "t", SubscribeURL }, version));
  },
);

const signed = signer.sign(notice);
const MINUTE = 60_000;
test.each<[string, Fields, number, string, RegExp]>([
  ["changed", { ...signed, Message: "{}" }, 0, topic, /signature is wrong/],
  ["signed by another way", { ...signed, SignatureVersion: "2" }, 0, topic, /signature is wrong/],
  ["given a subject", { ...signed, Subject: "x" }, 0, topic, /signature is wrong/],
  [
    "made another type",
    { ...signed, Type: "UnsubscribeConfirmation", Token: "t", SubscribeURL: "x" },
    0,
    topic,
    /signature is wrong/,
  ],
  ["of an unknown signature version", { ...signed, SignatureVersion: "3" }, 0, topic, /version 3/],
  ["of another topic", signed, 0, `${topic}2`, /another topic/],
  ["too old", signed, 16 * MINUTE, topic, /not now/],
  ["of the future", signed, -6 * MINUTE, topic, /not now/],
  ["of no time", { ...signed, Timestamp: "soon" }, 0, topic, /not now/],
  [
    "signed with a foreign certificate",
    { ...signed, SigningCertURL: "https://evil.example/SimpleNotificationService-1.pem" },
    0,
    topic,
    /not SNS's/,
  ],
])("verifyMessage() refuses a message that is %s", async (_how, message, later, of, why) => {
  await expect(verify(message, Date.now() + later, of)).rejects.toThrow(why);
});

test.each([
  "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
  "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
  "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
  "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
  "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
  "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
  "https://sns.eu-west-1.amazonaws.com/other.pem",
  "https://sns.eu-west-1.amazonaws.com/?Action=ListTopics&Next=/SimpleNotificationService-1.pem",
  "https://sns.eu-west-1.amazonaws.com/?Action=ListTopics#/SimpleNotificationService-1.pem",
  "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?Action=ListTopics",
  "https://sns.eu-west-1.amazonaws.com/x/SimpleNotificationService-1.pem",
  "no address",
])("verifyMessage() never asks for a certificate at %s", async (SigningCertURL) => {
  asked.length = 0;
  await expect(verify(signer.sign({ ...notice, SigningCertURL }))).rejects.toThrow("not SNS's");
  expect(asked).toEqual([]);
});

test.each([
  ["evil.example", /CN=evil\.example, which is not SNS/],
  ["sns-signing.us-east-1.amazonaws.com", /which is not SNS/],
  ["sns-signing.eu-west-1.amazonaws.com", undefined],
])("verifyMessage() looks whom the certificate is made out to: %s", async (name, why) => {
  const other = makeSigner("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem", name);
  const message = parseMessage(JSON.stringify(other.sign(notice)));
  const verified = verifyMessage(message, { topic, now: Date.now(), certificate: async () => other.certificate });
  if (why === undefined) await verified;
  else await expect(verified).rejects.toThrow(why);
});

test("isOfSns() knows China's suffix by the topic's partition", () => {
  const china = "arn:aws-cn:sns:cn-north-1:111122223333:deployments";
  expect(isOfSns("https://sns.cn-north-1.amazonaws.com.cn/", china)).toBe(true);
  expect(isOfSns("https://sns.cn-north-1.amazonaws.com/", china)).toBe(false);
});

test("parseMessage() refuses what is no message of SNS", () => {
  const { Signature, ...unsigned } = signed;
  for (const text of ["[]", "null", "{}", "x", JSON.stringify(unsigned), JSON.stringify({ ...signed, Subject: 1 })])
    expect(() => parseMessage(text)).toThrow();
  expect(parseMessage(JSON.stringify(signed)) satisfies SnsMessage).toMatchObject({ Signature });
});
