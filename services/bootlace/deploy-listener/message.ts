/** A message of SNS over HTTP: "Parsing Amazon SNS message formats", Amazon SNS Developer Guide. */
export interface SnsMessage {
  readonly Type: "Notification" | "SubscriptionConfirmation" | "UnsubscribeConfirmation";
  readonly MessageId: string;
  readonly TopicArn: string;
  readonly Message: string;
  /** ISO 8601, UTC. */
  readonly Timestamp: string;
  readonly SignatureVersion: string;
  readonly Signature: string;
  readonly SigningCertURL: string;
  readonly Subject?: string;
  readonly Token?: string;
  readonly SubscribeURL?: string;
}

const NEEDED = ["MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL"];
const TYPES = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"];

/** @throws {Error} For anything that is none. */
export function parseMessage(text: string): SnsMessage {
  const given: unknown = JSON.parse(text);
  if (!isFields(given)) throw new Error("The body is no message of SNS");
  const control = given.Type === "Notification" ? [] : ["Token", "SubscribeURL"];
  for (const name of [...NEEDED, ...control])
    if (typeof given[name] !== "string") throw new Error(`The message has no ${name}`);
  if (!TYPES.includes(String(given.Type))) throw new Error("The message is of no kind that SNS has");
  for (const [name, value] of Object.entries(given))
    if (typeof value !== "string" && name in SIGNED) throw new Error(`${name} is no text`);
  return given as unknown as SnsMessage;
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Signed fields by name, in the order of the alphabet; those that are not there are left out. */
const SIGNED = { Message: 1, MessageId: 1, Subject: 1, SubscribeURL: 1, Timestamp: 1, Token: 1, TopicArn: 1, Type: 1 };

/** What SNS signs: "Verifying the signatures of Amazon SNS messages", Amazon SNS Developer Guide. */
export function signedText(message: SnsMessage): string {
  const control = message.Type !== "Notification";
  const fields: Readonly<Record<string, unknown>> = { ...message };
  return Object.keys(SIGNED)
    .filter((name) => (control ? name !== "Subject" : name !== "SubscribeURL" && name !== "Token"))
    .flatMap((name) => (fields[name] === undefined ? [] : [`${name}\n${fields[name]}\n`]))
    .join("");
}
