import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { TEST_KEY } from "./s3-server.ts";
import { checkSignature } from "./sigv4.ts";

const REGION = "eu-west-1";

/** The two calls of AWS KMS that signing needs, in its JSON 1.1 protocol, with signatures of callers checked. */
export interface KmsServer {
  readonly url: string;
  /** An Ed25519 signing key of the account. */
  readonly arn: string;
  /** A key of another kind. */
  readonly rsaArn: string;
  readonly publicKey: KeyObject;
  /** Names of the calls, in order. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

export async function startKms(): Promise<KmsServer> {
  const pair = generateKeyPairSync("ed25519");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const arn = `arn:aws:kms:${REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
  const rsaArn = `arn:aws:kms:${REGION}:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab`;
  const calls: string[] = [];

  const act = (
    name: string,
    body: { KeyId: string; Message?: string; MessageType?: string; SigningAlgorithm?: string },
  ) => {
    if (body.KeyId !== arn && body.KeyId !== rsaArn)
      return error("NotFoundException", `Key '${body.KeyId}' does not exist`);
    const ours = body.KeyId === arn;
    if (name === "TrentService.GetPublicKey") {
      const der = (ours ? pair : rsa).publicKey.export({ type: "spki", format: "der" });
      const KeySpec = ours ? "ECC_NIST_EDWARDS25519" : "RSA_2048";
      return {
        status: 200,
        body: { KeyId: body.KeyId, KeySpec, KeyUsage: "SIGN_VERIFY", PublicKey: der.toString("base64") },
      };
    }
    if (name === "TrentService.Sign") {
      const message = Buffer.from(body.Message ?? "", "base64");
      if (message.length > 4096)
        return error("ValidationException", "Member must have length less than or equal to 4096");
      if (!ours || body.SigningAlgorithm !== "ED25519_SHA_512" || body.MessageType !== "RAW") {
        return error("InvalidKeyUsageException", "The algorithm does not fit the key");
      }
      return { status: 200, body: { KeyId: arn, Signature: sign(null, message, pair.privateKey).toString("base64") } };
    }
    return error("UnknownOperationException", name);
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]));
      const verdict = checkSignature(
        { method: "POST", target: request.url ?? "/", headers },
        { keys: [TEST_KEY], region: REGION, service: "kms", now: Date.now() },
      );
      const name = headers["x-amz-target"] ?? "";
      calls.push(name);
      const answer =
        verdict.by === "key"
          ? act(name, JSON.parse(Buffer.concat(chunks).toString()))
          : error("UnrecognizedClientException", "The security token included in the request is invalid.");
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arn,
    rsaArn,
    publicKey: pair.publicKey,
    calls,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const error = (type: string, message: string) => ({ status: 400, body: { __type: type, message } });
