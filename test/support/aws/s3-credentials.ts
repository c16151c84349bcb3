import { afterEach, beforeEach } from "vitest";
import { type S3Key, TEST_KEY } from "./s3-server.ts";

const NAMES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_CONFIG_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_EC2_METADATA_DISABLED",
] as const;

/** What a shell of somebody who is logged in has; undefined: of somebody who is not. */
export function awsEnvironment(key: S3Key | undefined): Readonly<Record<string, string>> {
  const session = key?.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: key.sessionToken };
  return {
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
    ...(key && { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey, ...session }),
  };
}

/** Makes each test of a file one of somebody who is logged in as {@link TEST_KEY}, and nobody else. */
export function useAwsCredentials(): void {
  const before = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
  beforeEach(() => setAwsCredentials(TEST_KEY));
  afterEach(() => {
    for (const name of NAMES) {
      const value = before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

export function setAwsCredentials(key: S3Key | undefined): void {
  for (const name of NAMES) delete process.env[name];
  Object.assign(process.env, awsEnvironment(key));
}
