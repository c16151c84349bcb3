import { execFileSync } from "node:child_process";
import { createSign, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Fields = Record<string, string>;

export interface MessageSigner {
  /** PEM. */
  readonly certificate: string;
  /** The whole of a message: what is not given is filled in, then it is signed. */
  sign(fields: Fields, version?: "1" | "2"): Fields;
}

/** Signs as SNS does: written from "Verifying the signatures of Amazon SNS messages", Amazon SNS Developer Guide. */
export function makeSigner(certificateUrl: string, name = "sns.amazonaws.com"): MessageSigner {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-sns-"));
  const out = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", `/CN=${name}`];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...out], { cwd: dir, stdio: "pipe" });
  const [key, certificate] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(dir, name), "utf8")) as [
    string,
    string,
  ];
  rmSync(dir, { recursive: true });
  return {
    certificate,
    sign(fields, version = "1") {
      const message: Fields = {
        Type: "Notification",
        MessageId: randomUUID(),
        Timestamp: new Date().toISOString(),
        SignatureVersion: version,
        SigningCertURL: certificateUrl,
        ...fields,
      };
      const names =
        message.Type === "Notification"
          ? [
              "Message",
              "MessageId",
              ...(message.Subject === undefined ? [] : ["Subject"]),
              "Timestamp",
              "TopicArn",
              "Type",
            ]
          : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
      const signer = createSign(version === "1" ? "RSA-SHA1" : "RSA-SHA256");
      for (const name of names) signer.update(`${name}\n${message[name]}\n`);
      return { ...message, Signature: signer.sign(key, "base64") };
    },
  };
}
