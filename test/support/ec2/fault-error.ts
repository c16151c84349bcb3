import type { Fault } from "./misbehaviour.ts";
import { ApiError } from "./protocol/api-error.ts";
import type { Service } from "./protocol/authenticate.ts";
import { ACCOUNT } from "./state.ts";

/** What a fault answers instead of doing anything; undefined for one that lets the action go on. */
export function errorOf(fault: Fault, service: Service, action: string): ApiError | undefined {
  const ssm = service !== "ec2";
  switch (fault.kind) {
    case "error":
      return new ApiError(fault.code, fault.message ?? MESSAGES[fault.code] ?? fault.code, fault.status);
    case "throttle":
      return ssm
        ? new ApiError(service === "autoscaling" ? "Throttling" : "ThrottlingException", "Rate exceeded")
        : new ApiError("RequestLimitExceeded", "Request limit exceeded.", 503);
    case "denied":
      return ssm
        ? new ApiError(
            service === "autoscaling" ? "AccessDenied" : "AccessDeniedException",
            denial(service, action),
            403,
          )
        : denied(action);
    case "expired":
      return ssm
        ? new ApiError("ExpiredTokenException", "The security token included in the request is expired")
        : new ApiError("RequestExpired", "Request has expired.");
    case "missing":
      return ssm ? new ApiError("ParameterNotFound", "") : missing(action);
    default:
      return undefined;
  }
}

/** In AWS's words, for a test that gives only the code. */
const MESSAGES: Readonly<Record<string, string>> = {
  InsufficientInstanceCapacity:
    "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (eu-west-1a). Our system will be working on provisioning additional capacity.",
  InstanceLimitExceeded: "You have requested more instances than your current instance limit allows.",
  VcpuLimitExceeded:
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
  SpotMaxPriceTooLow: "Your Spot request price is lower than the minimum required Spot request fulfillment price.",
  MaxSpotInstanceCountExceeded: "Max spot instance count exceeded",
};

/** As IAM words it; the encoded part is for `aws sts decode-authorization-message`. */
const denial = (service: string, action: string): string =>
  `User: arn:aws:iam::${ACCOUNT}:user/desk is not authorized to perform: ${service}:${action} because no identity-based policy allows the ${service}:${action} action`;

function denied(action: string): ApiError {
  const encoded = Buffer.from(JSON.stringify({ allowed: false, explicitDeny: false, action })).toString("base64url");
  return new ApiError(
    "UnauthorizedOperation",
    `You are not authorized to perform this operation. ${denial("ec2", action)}. Encoded authorization failure message: ${encoded}`,
    403,
  );
}

const SUBJECTS: readonly (readonly [RegExp, string, string])[] = [
  [/^CreateImage$/, "InvalidInstanceID.NotFound", "The instance ID does not exist"],
  [/Image/, "InvalidAMIID.NotFound", "The image id '[ami-…]' does not exist"],
  [/Snapshot/, "InvalidSnapshot.NotFound", "The snapshot does not exist."],
  [/SecurityGroup/, "InvalidGroup.NotFound", "The security group does not exist"],
  [/KeyPair/, "InvalidKeyPair.NotFound", "The key pair does not exist"],
  [/^RunInstances/, "InvalidGroup.NotFound", "The security group does not exist"],
];

function missing(action: string): ApiError {
  const [, code, message] = SUBJECTS.find(([pattern]) => pattern.test(action)) ?? [
    "",
    "InvalidInstanceID.NotFound",
    "The instance ID does not exist",
  ];
  return new ApiError(code, message);
}
