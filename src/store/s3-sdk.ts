import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Settings } from "./s3-settings.ts";

/** The SDK may say nothing by itself: what is to be said, errors say. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** How often the SDK tries a request. */
const ATTEMPTS = 5;

/** What a client has to know of the settings. */
type Addressing = Pick<S3Settings, "endpoint" | "pathStyle">;

/** Where no setting, variable or profile names a region: S3 answers with the right one. */
const ANY_REGION = "us-east-1";

/**
 * A client for one region, with the credentials that the AWS command line would use.
 *
 * @param region Undefined: that of the environment or the profile.
 * @param known `clockOffset`: what S3's clock is ahead of this desk's by, milliseconds, as an earlier client learned it;
 *   `attempts`: where not the SDK is to try again but the caller.
 */
export async function s3Client(
  settings: Addressing,
  region: string | undefined,
  { clockOffset = 0, attempts = ATTEMPTS }: { readonly clockOffset?: number; readonly attempts?: number } = {},
): Promise<S3Client> {
  // The SDK's own switch; without it each command on Node 20 prints a page on versions to come.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const config = { ...configOf(settings), maxAttempts: attempts, systemClockOffset: clockOffset };
  if (region !== undefined) return new S3Client({ ...config, region });
  const found = new S3Client(config);
  return found.config.region().then(
    () => found,
    () => new S3Client({ ...config, region: ANY_REGION }),
  );
}

/**
 * A client with region, credentials and clock of another and with connections of its own. For uploads: where S3 answers
 * before the body has ended, the connection is good for nothing more and would keep the process alive; `destroy()` ends
 * it. A streamed PUT is not tried again, so it must be signed with the clock that S3 has, which the other learned.
 */
export function uploadClient(settings: S3Settings, { config }: S3Client): S3Client {
  const { region, credentials, systemClockOffset } = config;
  return new S3Client({ ...configOf(settings), region, credentials, systemClockOffset });
}

function configOf(settings: Addressing): S3ClientConfig {
  return {
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    forcePathStyle: settings.pathStyle,
    // Endpoints that are not AWS's know no trailing checksums; SHA-256 is sent by ourselves where bytes are written.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    logger: silent,
  };
}
