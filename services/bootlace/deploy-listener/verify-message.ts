import { verify, X509Certificate } from "node:crypto";
import { type SnsMessage, signedText } from "./message.ts";

export interface Verification {
  /** The one topic that is listened to. */
  readonly topic: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Gets a certificate, PEM. It is asked for addresses of SNS alone. */
  readonly certificate: (url: string) => Promise<string>;
}

/** Older than this a message is not believed: a deployment that nobody waits for any more. */
const OLDEST_MS = 15 * 60_000;
/** What SNS's clock may be ahead of this machine's. */
const AHEAD_MS = 5 * 60_000;
/** "Amazon SNS message signature": version 1 is SHA-1, version 2 SHA-256. */
const DIGESTS: Readonly<Record<string, string>> = { "1": "RSA-SHA1", "2": "RSA-SHA256" };

/**
 * Checks that SNS signed a message, for our topic, just now. Whether it was here before is for who keeps the ids.
 *
 * @throws {Error} Saying what is wrong with it.
 */
export async function verifyMessage(message: SnsMessage, { topic, now, certificate }: Verification): Promise<void> {
  if (message.TopicArn !== topic) throw new Error(`It is of another topic, ${message.TopicArn.slice(0, 300)}`);
  const age = now - Date.parse(message.Timestamp);
  if (!(age <= OLDEST_MS && age >= -AHEAD_MS)) throw new Error(`Its time ${message.Timestamp.slice(0, 40)} is not now`);
  const digest = DIGESTS[message.SignatureVersion];
  if (digest === undefined) throw new Error(`Its signature is of version ${message.SignatureVersion.slice(0, 10)}`);
  const url = message.SigningCertURL;
  if (!isCertificateOfSns(url, topic))
    throw new Error(`Its certificate is at ${url.slice(0, 300)}, which is not SNS's`);
  const signer = new X509Certificate(await certificate(url));
  if (!namesOfSns(topic).some((name) => signer.checkHost(name, { wildcards: false }) !== undefined))
    throw new Error(`Its certificate is of ${signer.subject.slice(0, 300)}, which is not SNS`);
  if (Date.parse(signer.validTo) < now) throw new Error("Its certificate's time is over");
  const signature = Buffer.from(message.Signature, "base64");
  if (!verify(digest, Buffer.from(signedText(message)), signer.publicKey, signature))
    throw new Error("Its signature is wrong");
}

/** An API's answer at the same host is no certificate: the path alone says which file it is, with no query and no fragment. */
function isCertificateOfSns(address: string, topic: string): boolean {
  if (!isOfSns(address, topic)) return false;
  const { pathname, search, hash } = new URL(address);
  return /^\/SimpleNotificationService-[0-9A-Za-z]+\.pem$/.test(pathname) && search === "" && hash === "";
}

/** True for https addresses of SNS in the topic's own region: certificates and confirmations come from nowhere else. */
export function isOfSns(address: string, topic: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, host, username, password } = new URL(address);
  const { region, suffix } = placeOf(topic);
  return protocol === "https:" && host === `sns.${region}.${suffix}` && username === "" && password === "";
}

/** Whom SNS's certificates are made out to, which differs by region: `SnsHostProvider` of the AWS SDK for Java 2. */
function namesOfSns(topic: string): readonly string[] {
  const { region, suffix } = placeOf(topic);
  const signers = [`sns.${suffix}`, `sns-signing.${region}.${suffix}`, `sns-${region}.${suffix}`];
  // One certificate serves both regions of GovCloud.
  return region.startsWith("us-gov-") ? [...signers, `sns-us-gov-west-1.${suffix}`] : signers;
}

function placeOf(topic: string): { readonly region: string; readonly suffix: string } {
  const [, partition, , region = ""] = topic.split(":");
  return { region, suffix: partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com" };
}
