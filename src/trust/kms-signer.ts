import { createPublicKey, type KeyObject } from "node:crypto";
import { GetPublicKeyCommand, KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { BootlaceError } from "../../stage2/index.ts";
import type { Signer } from "./signer.ts";
import { keyId } from "./trusted-key.ts";

/** Sign with MessageType RAW takes at most this many bytes (AWS KMS API reference, "Sign"). */
const RAW_BYTES = 4096;

/**
 * The public half of a key in AWS KMS.
 *
 * @param arn Key or alias ARN; its region is asked.
 * @throws {BootlaceError} `E_KMS`.
 */
export async function kmsPublicKey(arn: string): Promise<KeyObject> {
  const { PublicKey, KeySpec } = await asking(arn, (client) => client.send(new GetPublicKeyCommand({ KeyId: arn })));
  if (KeySpec !== "ECC_NIST_EDWARDS25519" || PublicKey === undefined) {
    throw new BootlaceError("E_KMS", `The key ${arn} is ${KeySpec}, expected ECC_NIST_EDWARDS25519`, {
      hint: "aws kms create-key --key-spec ECC_NIST_EDWARDS25519 --key-usage SIGN_VERIFY makes one that fits.",
    });
  }
  return createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
}

/** Signs with a key that AWS KMS holds: algorithm ED25519_SHA_512, which is pure Ed25519. */
export async function kmsSigner(id: string, arn: string): Promise<Signer> {
  const held = keyId(await kmsPublicKey(arn));
  if (held !== id) {
    throw new BootlaceError("E_KMS", `The key ${arn} is ${held}, and trust/ of this project says it is ${id}`, {
      hint: "An alias that was pointed to another key? Put the key's own ARN into the trust file.",
    });
  }
  return {
    id,
    async sign(body) {
      if (body.length > RAW_BYTES) {
        throw new BootlaceError("E_KMS", `KMS signs at most ${RAW_BYTES} bytes, the pointer has ${body.length}`);
      }
      const { Signature } = await asking(arn, (client) =>
        client.send(
          new SignCommand({ KeyId: arn, Message: body, MessageType: "RAW", SigningAlgorithm: "ED25519_SHA_512" }),
        ),
      );
      if (Signature === undefined) throw new BootlaceError("E_KMS", `${arn} made no signature`);
      return Buffer.from(Signature);
    },
  };
}

async function asking<T>(arn: string, ask: (client: KMSClient) => Promise<T>): Promise<T> {
  const region = /^arn:aws[a-z-]*:kms:([a-z0-9-]+):/.exec(arn)?.[1];
  if (region === undefined) {
    throw new BootlaceError("E_KMS", `"${arn}" is no ARN of a KMS key`, {
      hint: "Expected arn:aws:kms:REGION:ACCOUNT:key/ID.",
    });
  }
  // As in src/store/s3-sdk.ts: the SDK may say nothing by itself.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const client = new KMSClient({ region });
  try {
    return await ask(client);
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new BootlaceError("E_KMS", `KMS could not use ${arn}: ${why}`, {
      cause,
      hint: "It wants kms:GetPublicKey and kms:Sign for the credentials of this desk.",
    });
  } finally {
    client.destroy();
  }
}
