import { BootlaceError } from "../../stage2/index.ts";
import type { S3Settings } from "./s3-settings.ts";

/** What the SDK's exceptions carry, as far as it is looked at here. */
interface SdkError {
  readonly name: string;
  readonly message: string;
  /** Of AuthorizationHeaderMalformed: the right one. */
  readonly Region?: string;
  /** Of a network error: ECONNREFUSED. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** What was being done: the right that it needs, and the object as the bucket knows it. */
export interface S3Step {
  readonly action: "s3:GetObject" | "s3:PutObject" | "s3:ListBucket";
  readonly key: string;
}

const CREDENTIALS =
  /^(CredentialsProviderError|TokenProviderError|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|ExpiredTokenException)$/;
const WRONG_REGION = /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/;

export function statusOf(error: unknown): number | undefined {
  return sdkError(error)?.$metadata?.httpStatusCode;
}

/** The region that S3 says a bucket is in, in whichever error it says so. */
export function regionIn(error: unknown): string | undefined {
  const { Region, $response } = sdkError(error) ?? {};
  const told = Region ?? $response?.headers?.["x-amz-bucket-region"];
  return told !== undefined && /^[a-z0-9-]+$/.test(told) ? told : undefined;
}

/** Worth another try with the same request: throttled, the server's fault, the network's. */
export function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  if (CREDENTIALS.test(sdkError(error)?.name ?? "")) return false;
  // RequestTimeout: S3 waited for bytes that did not come.
  if (sdkError(error)?.name === "RequestTimeout") return true;
  return status === undefined ? sdkError(error)?.code !== undefined : status >= 500 || status === 429;
}

/** Tells an exception of the SDK to a person, with what to do about it. */
export function s3Failure(error: unknown, settings: S3Settings, step: S3Step): unknown {
  const sdk = sdkError(error);
  if (error instanceof BootlaceError || sdk === undefined || sdk.name === "AbortError") return error;
  const { bucket, endpoint, bucketOwner, region } = settings;
  const object = `s3://${bucket}/${step.key}`;
  const said = sdk.message === "" || sdk.message === "UnknownError" ? "" : `: ${sdk.message.slice(0, 300)}`;
  const status = statusOf(error);
  // The answer to a HEAD has no body that would name the error.
  const nameless = /^(\d+|Error|Unknown.*|S3ServiceException)$/.test(sdk.name);
  const answer = nameless ? `HTTP ${status}` : `HTTP ${status} ${sdk.name}`;
  const told = (
    code: "E_STORE_BUCKET" | "E_STORE_CREDENTIALS" | "E_STORE_DENIED" | "E_STORE_UNREACHABLE",
    message: string,
    hint: string,
  ) => new BootlaceError(code, message.replace(/[.\s]+$/, ""), { hint, cause: error });
  if (sdk.name === "NoSuchBucket") {
    return told(
      "E_STORE_BUCKET",
      `There is no bucket ${bucket} at ${endpoint ?? "AWS"}`,
      "Look at `store:` in bootlace.yaml, or make the bucket; docs/store.md has the settings worth having.",
    );
  }
  if (WRONG_REGION.test(sdk.name)) {
    const right = regionIn(error);
    const where = right === undefined ? "another region" : `the region ${right}`;
    return told(
      "E_STORE_BUCKET",
      `The bucket ${bucket} is in ${where}${region === undefined ? "" : `, not in ${region}`}`,
      `Write ${right === undefined ? "its region" : `region: ${right}`} into bootlace.yaml.`,
    );
  }
  if (CREDENTIALS.test(sdk.name)) {
    const none = sdk.name === "CredentialsProviderError";
    return told(
      "E_STORE_CREDENTIALS",
      none
        ? `No AWS credentials were found for ${object}${said}`
        : `S3 does not take this desk's credentials (${sdk.name})${said}`,
      none
        ? "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`."
        : "Log in again, or look at AWS_PROFILE and the AWS_… variables: `aws sts get-caller-identity` shows who you are.",
    );
  }
  if (sdk.name === "RequestTimeTooSkewed") {
    return told(
      "E_STORE_CREDENTIALS",
      `This desk's clock is wrong: S3 does not take its signatures${said}`,
      "Set the clock: it may differ by 15 minutes at most.",
    );
  }
  if (status === 403 || sdk.name.startsWith("KMS.")) {
    const missing =
      step.action === "s3:GetObject"
        ? ", or it is not there and s3:ListBucket is missing too, without which S3 says the same"
        : "";
    const owner =
      bucketOwner === undefined ? "" : `; a bucket of another account than ${bucketOwner} is refused like this too`;
    return told(
      "E_STORE_DENIED",
      `S3 refuses ${step.action} on ${object} (${answer}): the right is missing${missing}${owner}${said}`,
      "docs/store.md has the policy that a publisher needs; with `kmsKey` it needs rights on that key too.",
    );
  }
  if (status !== undefined && (status >= 500 || status === 429)) {
    return told(
      "E_STORE_UNREACHABLE",
      `S3 could not serve ${object} (${answer})${said}`,
      "It was tried five times: wait a minute, then run the command again; nothing is sent twice.",
    );
  }
  if (status !== undefined && sdk.$response !== undefined) {
    return told(
      "E_STORE_UNREACHABLE",
      `S3 answered ${answer} to ${step.action} on ${object}${said}`,
      "Look at `store:`, `region:` and `s3:` in bootlace.yaml.",
    );
  }
  return told(
    "E_STORE_UNREACHABLE",
    `${endpoint ?? `S3 (bucket ${bucket})`} did not answer${said || `: ${sdk.code ?? sdk.name}`}`,
    "Look at the network and at `endpoint` under `s3:` in bootlace.yaml.",
  );
}

function sdkError(error: unknown): SdkError | undefined {
  return error instanceof Error ? (error as Error & SdkError) : undefined;
}
