import { verify } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newKey } from "../../../src/trust/change-keys.ts";
import { kmsPublicKey, kmsSigner } from "../../../src/trust/kms-signer.ts";
import { loadTrust } from "../../../src/trust/trust.ts";
import { keyId } from "../../../src/trust/trusted-key.ts";
import { type KmsServer, startKms } from "../../support/aws/kms-server.ts";
import { setAwsCredentials, useAwsCredentials } from "../../support/aws/s3-credentials.ts";

let kms: KmsServer;
useAwsCredentials();
beforeAll(async () => {
  kms = await startKms();
  process.env.AWS_ENDPOINT_URL_KMS = kms.url;
});
afterAll(async () => {
  delete process.env.AWS_ENDPOINT_URL_KMS;
  await kms.close();
});

const code = (message: string) => expect.objectContaining({ code: "E_KMS", message: expect.stringContaining(message) });

test("newKey() with a KMS key writes its public half, and signers() lets KMS sign", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-kms-"));
  try {
    const { key, held } = await newKey(dir, kms.arn);
    expect({ id: key.id, held }).toEqual({ id: keyId(kms.publicKey), held: kms.arn });
    const [signer] = await (await loadTrust(dir)).signers();
    const body = Buffer.from("project=shop\n");
    expect(verify(null, body, kms.publicKey, (await signer?.sign(body)) ?? Buffer.alloc(0))).toBe(true);
    expect(kms.calls.at(-1)).toBe("TrentService.Sign");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test.each([
  ["a key of another kind", () => kms.rsaArn, "is RSA_2048, expected ECC_NIST_EDWARDS25519"],
  ["no ARN", () => "alias/boot", "is no ARN"],
  ["a key that is not there", () => kms.arn.replace("1234abcd", "00000000"), "NotFoundException"],
])("kmsPublicKey() refuses %s", async (_name, arn, why) => {
  await expect(kmsPublicKey(arn())).rejects.toThrow(code(why));
});

test("kmsPublicKey() tells what the desk's credentials lack", async () => {
  setAwsCredentials({ accessKeyId: "AKIAUNKNOWN", secretAccessKey: "x" });
  await expect(kmsPublicKey(kms.arn)).rejects.toThrow(code("UnrecognizedClientException"));
});

test("kmsSigner() refuses an ARN whose key is not the one that the trust file holds", async () => {
  await expect(kmsSigner("0123456789abcdef", kms.arn)).rejects.toThrow(code("says it is 0123456789abcdef"));
});

test("kmsSigner() says so when a pointer is too long for KMS", async () => {
  const signer = await kmsSigner(keyId(kms.publicKey), kms.arn);
  await expect(signer.sign(Buffer.alloc(4097))).rejects.toThrow(code("at most 4096 bytes"));
});
