import type { DynamoDB } from "@aws-sdk/client-dynamodb";
import { BootlaceError, type ErrorCode } from "../../../stage2/index.ts";

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** By region and by what the environment says of account and endpoint. */
const clients = new Map<string, Promise<DynamoDB>>();

/**
 * A client of DynamoDB with credentials, endpoint and, where none is given, region from wherever the SDK has them.
 *
 * @throws {BootlaceError} `E_AWS_REGION` where nobody names a region.
 */
export function dynamoDbClient(region: string | undefined): Promise<DynamoDB> {
  const { AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB } = process.env;
  const endpoint = AWS_ENDPOINT_URL_DYNAMODB ?? AWS_ENDPOINT_URL;
  const key = [region ?? AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, endpoint].join(" ");
  const client = clients.get(key) ?? makeClient(region);
  clients.set(key, client);
  client.catch(() => clients.delete(key));
  return client;
}

async function makeClient(region: string | undefined): Promise<DynamoDB> {
  // The SDK's own switch; without it each command on Node 20 prints a page on versions to come.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  // Loaded here alone: most commands never speak to DynamoDB.
  const { DynamoDB: Client } = await import("@aws-sdk/client-dynamodb");
  const client = new Client({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 8,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    logger: silent,
  });
  try {
    await client.config.region();
  } catch (cause) {
    throw new BootlaceError("E_AWS_REGION", "No region is named for the table of records", {
      hint: "Write `region: eu-west-1`, or whichever it is, into bootlace.yaml, or set AWS_REGION.",
      cause,
    });
  }
  client.middlewareStack.add(
    (next, { commandName = "" }: { readonly commandName?: string }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (error) {
          throw failure(error, `dynamodb:${commandName.replace(/Command$/, "")}`, await client.config.region());
        }
      },
    { step: "initialize", name: "bootlaceErrors" },
  );
  return client;
}

/** The SDK's name of an error, also behind a BootlaceError. */
export function dynamoDbCode(error: unknown): string {
  const cause = error instanceof BootlaceError ? error.cause : error;
  return cause instanceof Error ? cause.name : "";
}

/** What callers go by stays what it is: a condition that did not hold. */
const FOR_CALLERS = /^(ConditionalCheckFailedException|AbortError)$/;
const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
const BAD_CREDENTIALS =
  /^(UnrecognizedClientException|InvalidSignatureException|ExpiredToken\w*|MissingAuthenticationToken\w*|IncompleteSignature\w*)$/;

/** "Error handling with DynamoDB", Amazon DynamoDB Developer Guide. */
function failure(error: unknown, action: string, region: string): unknown {
  if (!(error instanceof Error) || error instanceof BootlaceError || FOR_CALLERS.test(error.name)) return error;
  const { name, message } = error;
  const said = message === "" || message === "UnknownError" ? "" : `: ${message.replace(/[.\s]+$/, "")}`;
  const told = (code: ErrorCode, text: string, hint: string) => new BootlaceError(code, text, { hint, cause: error });
  if (NO_CREDENTIALS.test(name))
    return told(
      "E_AWS_CREDENTIALS",
      `No AWS credentials were found for ${action}${said}`,
      "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`.",
    );
  if (BAD_CREDENTIALS.test(name))
    return told(
      "E_AWS_CREDENTIALS",
      `AWS does not take this desk's credentials for ${action} (${name})${said}`,
      "Log in again, and look at AWS_PROFILE and at this desk's clock: `aws sts get-caller-identity` shows who you are.",
    );
  if (name === "AccessDeniedException")
    return told(
      "E_AWS_DENIED",
      `AWS refuses ${action} in ${region} to these credentials${said}`,
      "`bootlace setup --policies` prints the policy that a desk needs.",
    );
  if (name === "ResourceNotFoundException")
    return told(
      "E_RECORDS",
      `There is no such table in ${region} for ${action}${said}`,
      "Make it once: `bootlace setup`. A table is in one region: look at `region:` and `records:` in bootlace.yaml.",
    );
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status === undefined || status >= 500 || /Throttl|ProvisionedThroughput|RequestLimit/.test(name))
    return told(
      "E_AWS_UNREACHABLE",
      `DynamoDB in ${region} did not do ${action} (${name})${said}`,
      "Look at the network, at proxies, and at AWS_ENDPOINT_URL where it is set; then run the command again.",
    );
  return told(
    "E_RECORDS",
    `DynamoDB in ${region} refuses ${action} (${name})${said}`,
    "Look at `records:` in bootlace.yaml.",
  );
}
