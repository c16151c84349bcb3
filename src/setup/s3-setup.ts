import { BootlaceError } from "../../stage2/index.ts";
import { canonicalJson } from "../bundle/canonical-json.ts";
import { statusOf } from "../store/s3-errors.ts";
import type { S3Settings } from "../store/s3-settings.ts";
import type { Piece } from "./piece.ts";

/** All four: nothing of a store is for everybody ("Blocking public access", Amazon S3 User Guide). */
const BLOCKED = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};
const SID = "BootlaceTlsOnly";

interface Policy {
  readonly Version?: string;
  readonly Statement?: readonly Readonly<Record<string, unknown>>[];
}

/**
 * What a store's bucket has to be: versioned, closed to the public, encrypted, and answering over TLS alone.
 *
 * @throws {BootlaceError} `E_SETUP` for what the account may not do, or a bucket that is somebody else's.
 */
export async function bucketPieces(settings: S3Settings): Promise<readonly Piece[]> {
  const [sdk, { s3Client }] = await Promise.all([import("@aws-sdk/client-s3"), import("../store/s3-sdk.ts")]);
  const client = await s3Client(settings, settings.region);
  const { bucket, kmsKey, bucketOwner } = settings;
  const on = { Bucket: bucket, ...(bucketOwner && { ExpectedBucketOwner: bucketOwner }) };
  const region = await client.config.region();
  const ask = <T>(action: string, asked: Promise<T>): Promise<T> => asked.catch((error) => fail(error, action, bucket));
  const exists = await ask(
    "s3:ListBucket",
    orNothing(/^(NotFound|NoSuchBucket)$/, client.send(new sdk.HeadBucketCommand(on))),
  );
  const seen = exists === undefined ? undefined : await look();
  const place = `the bucket ${bucket}`;
  const Rules = [
    {
      ApplyServerSideEncryptionByDefault: kmsKey
        ? { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: kmsKey }
        : { SSEAlgorithm: "AES256" as const },
      BucketKeyEnabled: kmsKey !== undefined,
    },
  ];
  return [
    {
      what: `${place} in ${region}`,
      done: seen !== undefined,
      act: async () => {
        // us-east-1 is no location that may be named (CreateBucket, Amazon S3 API Reference).
        const where =
          region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
        const made = client.send(new sdk.CreateBucketCommand({ Bucket: bucket, ...where }));
        await ask("s3:CreateBucket", orNothing(/^BucketAlreadyOwnedByYou$/, made));
      },
    },
    {
      what: `no public access to ${place}`,
      done: seen?.blocked ?? false,
      act: () =>
        done(
          ask(
            "s3:PutBucketPublicAccessBlock",
            client.send(new sdk.PutPublicAccessBlockCommand({ ...on, PublicAccessBlockConfiguration: BLOCKED })),
          ),
        ),
    },
    {
      what: `versioning of ${place}`,
      done: seen?.versioned ?? false,
      act: () =>
        done(
          ask(
            "s3:PutBucketVersioning",
            client.send(new sdk.PutBucketVersioningCommand({ ...on, VersioningConfiguration: { Status: "Enabled" } })),
          ),
        ),
    },
    {
      what: `encryption of ${place}${kmsKey ? ` with ${kmsKey}` : ""}`,
      done: seen?.encrypted ?? false,
      act: () =>
        done(
          ask(
            "s3:PutEncryptionConfiguration",
            client.send(new sdk.PutBucketEncryptionCommand({ ...on, ServerSideEncryptionConfiguration: { Rules } })),
          ),
        ),
    },
    {
      what: `${place} answers over TLS alone`,
      done: seen?.tlsOnly ?? false,
      act: async () => {
        // Whatever else its policy says stays.
        const policy = await readPolicy();
        const others = (policy.Statement ?? []).filter(({ Sid }) => Sid !== SID);
        const Policy = JSON.stringify({
          Version: "2012-10-17",
          ...policy,
          Statement: [...others, tlsOnly(bucket, region)],
        });
        await ask("s3:PutBucketPolicy", client.send(new sdk.PutBucketPolicyCommand({ ...on, Policy })));
      },
    },
  ];

  async function look() {
    const [versioning, access, encryption, policy] = await Promise.all([
      ask("s3:GetBucketVersioning", client.send(new sdk.GetBucketVersioningCommand(on))),
      ask(
        "s3:GetBucketPublicAccessBlock",
        orNothing(/^NoSuchPublicAccessBlockConfiguration$/, client.send(new sdk.GetPublicAccessBlockCommand(on))),
      ),
      ask(
        "s3:GetEncryptionConfiguration",
        orNothing(
          /^ServerSideEncryptionConfigurationNotFoundError$/,
          client.send(new sdk.GetBucketEncryptionCommand(on)),
        ),
      ),
      readPolicy(),
    ]);
    const [rule] = encryption?.ServerSideEncryptionConfiguration?.Rules ?? [];
    const by = rule?.ApplyServerSideEncryptionByDefault;
    return {
      versioned: versioning.Status === "Enabled",
      blocked: Object.keys(BLOCKED).every(
        (key) => access?.PublicAccessBlockConfiguration?.[key as keyof typeof BLOCKED] === true,
      ),
      encrypted: kmsKey ? by?.KMSMasterKeyID === kmsKey : by !== undefined,
      tlsOnly: (policy.Statement ?? []).some((each) => canonicalJson(each) === canonicalJson(tlsOnly(bucket, region))),
    };
  }

  async function readPolicy(): Promise<Policy> {
    const asked = client.send(new sdk.GetBucketPolicyCommand(on));
    const answer = await ask("s3:GetBucketPolicy", orNothing(/^NoSuchBucketPolicy$/, asked));
    return JSON.parse(answer?.Policy ?? "{}") as Policy;
  }
}

const done = async (asked: Promise<unknown>): Promise<void> => void (await asked);

/** "Enforcing TLS", Security best practices for Amazon S3. */
function tlsOnly(bucket: string, region: string) {
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  const arn = `arn:${partition}:s3:::${bucket}`;
  return {
    Sid: SID,
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

async function orNothing<T>(codes: RegExp, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && codes.test(error.name)) return undefined;
    throw error;
  }
}

function fail(error: unknown, action: string, bucket: string): never {
  if (!(error instanceof Error) || error instanceof BootlaceError) throw error;
  const status = statusOf(error);
  const hint =
    error.name === "BucketAlreadyExists" || status === 403
      ? "Buckets' names are one for all accounts: take another under `store:`, unless this account is to get the right for it."
      : status === 301
        ? "The bucket is in another region: look at `region:` in bootlace.yaml."
        : "Look at credentials, network and `s3:` in bootlace.yaml.";
  const said = error.message === "" || error.message === "UnknownError" ? "" : `: ${error.message}`;
  throw new BootlaceError("E_SETUP", `${action} of the bucket ${bucket} failed (${error.name})${said}`, {
    hint,
    cause: error,
  });
}
