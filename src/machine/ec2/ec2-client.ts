import type { AutoScaling } from "@aws-sdk/client-auto-scaling";
import type { EC2 } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import { BootlaceError } from "../../../stage2/index.ts";
import { ec2Failure } from "./ec2-errors.ts";

/** The SDK may say nothing by itself: what is to be said, errors say. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** How often the SDK tries a request: EC2 throttles by account, so others' calls count too. */
const ATTEMPTS = 8;

/** By region and by what the environment says of account and endpoint. */
const clients = new Map<string, Promise<EC2>>();

/**
 * A client whose failures are BootlaceErrors. Credentials, profiles, endpoints and, where none is given, the region come
 * from wherever the AWS command line has them.
 *
 * @throws {BootlaceError} `E_AWS_REGION` where nobody names a region.
 */
export function ec2Client(region: string | undefined): Promise<EC2> {
  const { AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_EC2 } = process.env;
  const key = [region ?? AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_EC2 ?? AWS_ENDPOINT_URL].join(
    " ",
  );
  const client = clients.get(key) ?? makeEc2(region);
  clients.set(key, client);
  client.catch(() => clients.delete(key));
  return client;
}

async function makeEc2(region: string | undefined): Promise<EC2> {
  // Loaded here alone: it is large, and most commands never speak to EC2.
  const { EC2: Client } = await import("@aws-sdk/client-ec2");
  const client = new Client(configOf(region));
  await assertRegion(client.config.region);
  client.middlewareStack.add(telling("ec2", client.config.region), { step: "initialize", name: "bootlaceErrors" });
  return client;
}

/** For public parameters that name AMIs. */
export async function ssmClient(region: string | undefined): Promise<SSM> {
  const { SSM: Client } = await import("@aws-sdk/client-ssm");
  const client = new Client(configOf(region));
  await assertRegion(client.config.region);
  client.middlewareStack.add(telling("ssm", client.config.region), { step: "initialize", name: "bootlaceErrors" });
  return client;
}

/** For Auto Scaling groups and what becomes of their instances. */
export async function autoScalingClient(region: string | undefined): Promise<AutoScaling> {
  const { AutoScaling: Client } = await import("@aws-sdk/client-auto-scaling");
  const client = new Client(configOf(region));
  await assertRegion(client.config.region);
  client.middlewareStack.add(telling("autoscaling", client.config.region), {
    step: "initialize",
    name: "bootlaceErrors",
  });
  return client;
}

/** A middleware of the SDK that makes its exceptions BootlaceErrors which name the right that the call needs. */
function telling(service: string, region: () => Promise<string>) {
  return <Input extends object, Output>(
    next: (args: { readonly input: Input; readonly request?: unknown }) => Promise<Output>,
    { commandName = "" }: { readonly commandName?: string },
  ) =>
    async (args: { readonly input: Input; readonly request?: unknown }): Promise<Output> => {
      try {
        return await next(args);
      } catch (error) {
        throw ec2Failure(error, `${service}:${commandName.replace(/Command$/, "")}`, await region());
      }
    };
}

/** @throws {BootlaceError} `E_AWS_CREDENTIALS` where the desk has none. */
export async function assertCredentials(): Promise<void> {
  const { EC2: Client } = await import("@aws-sdk/client-ec2");
  const client = new Client(configOf(undefined));
  try {
    await client.config.credentials();
  } catch (error) {
    throw ec2Failure(error, "ec2:RunInstances", "");
  } finally {
    client.destroy();
  }
}

function configOf(region: string | undefined) {
  // The SDK's own switch; without it each command on Node 20 prints a page on versions to come.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  return {
    ...(region === undefined ? {} : { region }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    logger: silent,
  };
}

async function assertRegion(named: () => Promise<string>): Promise<void> {
  try {
    await named();
  } catch (cause) {
    throw new BootlaceError("E_AWS_REGION", "No region is named for EC2", {
      hint: "Write `region: eu-west-1`, or whichever it is, into bootlace.yaml, or set AWS_REGION.",
      cause,
    });
  }
}
