import { existsSync } from "node:fs";

/** How often the SDK tries: Route 53 allows five requests a second for a whole account, and machines boot together. */
const ATTEMPTS = 8;

/**
 * What every client of AWS in a service is made with. Credentials are those of the instance's role, or the file of a
 * secret that the service has; endpoints are the SDK's own (`AWS_ENDPOINT_URL`).
 *
 * @param secret Name of the secret with an AWS shared credentials file; it may be absent.
 * @param region Default: that of the machine, then us-east-1.
 */
export function awsClientConfig(env: NodeJS.ProcessEnv, secret: string, region?: string) {
  const { BOOTLACE_CREDENTIALS = "", BOOTLACE_REGION, AWS_REGION } = env;
  // The SDK's own switch; without it each command on Node 20 prints a page on versions to come.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const file = `${BOOTLACE_CREDENTIALS}/${secret}`;
  if (BOOTLACE_CREDENTIALS !== "" && existsSync(file)) process.env.AWS_SHARED_CREDENTIALS_FILE = file;
  return {
    region: region ?? AWS_REGION ?? BOOTLACE_REGION ?? "us-east-1",
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
  };
}
