import { BootlaceError, type ErrorCode } from "../../../stage2/index.ts";

/** What the SDK's exceptions carry, as far as it is looked at here. */
interface SdkError {
  readonly name: string;
  readonly message: string;
  /** Of a network error: ECONNREFUSED. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
const BAD_CREDENTIALS =
  /^(AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClientException|ExpiredToken|ExpiredTokenException|RequestExpired|InvalidToken|MissingAuthenticationToken)$/;
const DENIED = /^(UnauthorizedOperation|AccessDenied|AccessDeniedException|OperationNotPermitted)$/;
const CAPACITY = /^(InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientReservedInstanceCapacity)$/;
const THROTTLED = /^(RequestLimitExceeded|Throttling|ThrottlingException|RequestThrottled|TooManyRequestsException)$/;
const QUOTA = /^(\w*LimitExceeded|MaxSpotInstanceCountExceeded|PendingVerification)$/;
const NO_REGION = /^(OptInRequired|Blocked)$/;

/**
 * Name of the error that EC2 gave, as "Error codes" of the Amazon EC2 API Reference has it, also behind a BootlaceError;
 * empty for anything else.
 */
export function awsCode(error: unknown): string {
  const cause = error instanceof BootlaceError ? error.cause : error;
  return cause instanceof Error ? cause.name : "";
}

/**
 * Tells an exception of the SDK to a person, with what to do about it.
 *
 * @param action the right that the call needs: `ec2:RunInstances`.
 */
export function ec2Failure(error: unknown, action: string, region: string): unknown {
  if (!(error instanceof Error) || error instanceof BootlaceError || error.name === "AbortError") return error;
  const sdk: SdkError = error;
  const { name, message } = sdk;
  const status = sdk.$metadata?.httpStatusCode;
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
      "Log in again; look at AWS_PROFILE, at the AWS_… variables, at this desk's clock, and whether the account has the region: `aws sts get-caller-identity` shows who you are.",
    );
  if (NO_REGION.test(name))
    return told(
      "E_AWS_REGION",
      `The account does not have the region ${region}${said}`,
      "Enable it in the account's settings, or name another `region:` in bootlace.yaml.",
    );
  if (DENIED.test(name))
    // The encoded part is what `aws sts decode-authorization-message` takes, so the message stays whole.
    return told(
      "E_AWS_DENIED",
      `AWS refuses ${action} in ${region} to these credentials (${name})${said}`,
      message.includes("ncoded authorization failure message")
        ? "Who has sts:DecodeAuthorizationMessage reads why: aws sts decode-authorization-message --encoded-message TEXT. docs/ec2.md has the policy."
        : "docs/ec2.md has the policy that a builder needs.",
    );
  if (CAPACITY.test(name))
    return told(
      "E_EC2_CAPACITY",
      `EC2 has no capacity in ${region} for this at the moment (${name})${said}`,
      "Give several types under `ec2.type`, which are tried in order, name another subnet, or try later.",
    );
  if (THROTTLED.test(name))
    return told(
      "E_AWS_UNREACHABLE",
      `EC2 takes no more requests of this account at the moment: ${action} was refused eight times (${name})`,
      "Something in the account asks a lot. Wait a minute, then run the command again.",
    );
  if (QUOTA.test(name))
    return told(
      "E_EC2_QUOTA",
      `The account's quota in ${region} is used up (${name})${said}`,
      "Ask for more in the console of Service Quotas, use a smaller type, or remove what is not needed: `bootlace gc --plan`.",
    );
  if (status === undefined)
    return told(
      "E_AWS_UNREACHABLE",
      `EC2 in ${region} did not answer ${action}${said || `: ${sdk.code ?? name}`}`,
      sdk.code === "ENOTFOUND"
        ? `Is ${region} a region? Look at \`region:\` in bootlace.yaml, and at the network.`
        : "Look at the network, at proxies, and at AWS_ENDPOINT_URL where it is set.",
    );
  if (status >= 500)
    return told(
      "E_AWS_UNREACHABLE",
      `EC2 in ${region} could not do ${action} (HTTP ${status} ${name})${said}`,
      "It was tried eight times: wait a minute, then run the command again.",
    );
  const of = action.startsWith("ec2:") ? "EC2" : action.startsWith("ssm:") ? "SSM" : "Auto Scaling";
  return told(
    "E_EC2",
    `${of} in ${region} refuses ${action} (${name})${said}`,
    of === "EC2"
      ? "Look at `ec2:` and `from:` in bootlace.yaml."
      : "Read what AWS says; docs/rollout.md tells what is needed.",
  );
}
