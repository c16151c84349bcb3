import type { S3Settings } from "../store/s3-settings.ts";

export interface Policy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyChoice {
  readonly project: string;
  readonly region: string | undefined;
  readonly store: S3Settings | undefined;
  readonly table: string | undefined;
}

/**
 * What a desk, a desk that builds AMIs, and an instance need, and nothing else. Accounts are left open, since nobody has
 * to be asked for the policies.
 */
export function makePolicies(choice: PolicyChoice): Readonly<Record<"desk" | "builder" | "instance", Policy>> {
  const desk = [...storeOf(choice, ["s3:GetObject", "s3:PutObject"]), ...recordsOf(choice)];
  return {
    desk: policy(desk),
    builder: policy([...desk, ...buildOf(choice)]),
    instance: policy(storeOf(choice, ["s3:GetObject"])),
  };
}

const policy = (Statement: readonly Statement[]): Policy => ({ Version: "2012-10-17", Statement });

const allow = (
  Sid: string,
  Action: readonly string[],
  Resource: Statement["Resource"],
  Condition?: Statement["Condition"],
): Statement => ({ Sid, Effect: "Allow", Action, Resource, ...(Condition && { Condition }) });

function storeOf({ store, region }: PolicyChoice, actions: readonly string[]): readonly Statement[] {
  if (!store) return [];
  const bucket = `arn:${partition(region)}:s3:::${store.bucket}`;
  const under = store.prefix === "" ? "" : `${store.prefix}/`;
  const writes = actions.includes("s3:PutObject");
  const key = store.kmsKey?.startsWith("arn:") ? store.kmsKey : `arn:${partition(region)}:kms:*:*:key/*`;
  return [
    allow("Store", actions, `${bucket}/${under}*`),
    ...(writes
      ? [
          allow(
            "StoreList",
            ["s3:ListBucket"],
            bucket,
            under === "" ? undefined : { StringLike: { "s3:prefix": [`${under}*`] } },
          ),
        ]
      : []),
    ...(store.kmsKey === undefined
      ? []
      : [allow("StoreKey", writes ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"], key)]),
  ];
}

/** No right to remove a record: it is history. */
function recordsOf({ table, region }: PolicyChoice): readonly Statement[] {
  if (table === undefined) return [];
  const arn = `arn:${partition(region)}:dynamodb:${region ?? "*"}:*:table/${table}`;
  return [allow("Records", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], [arn, `${arn}/index/*`])];
}

/** EC2's lists cannot be narrowed; what is changed or removed carries the project's tag ("Actions, resources, and condition keys for Amazon EC2"). */
function buildOf({ project, region }: PolicyChoice): readonly Statement[] {
  const own = { StringEquals: { "aws:ResourceTag/bootlace:project": project } };
  return [
    allow("Look", LOOK, "*"),
    allow("Make", MAKE, "*"),
    allow("TagWhatIsMade", ["ec2:CreateTags"], "*", {
      StringEquals: {
        "ec2:CreateAction": ["RunInstances", "CreateImage", "CopyImage", "CreateSecurityGroup", "ImportKeyPair"],
      },
    }),
    allow("Own", OWN, "*", own),
    allow(
      "PublicParameters",
      ["ssm:GetParameter"],
      `arn:${partition(region)}:ssm:${region ?? "*"}::parameter/aws/service/*`,
    ),
  ];
}

const ec2 = (...names: readonly string[]): readonly string[] => names.map((name) => `ec2:${name}`);

const LOOK: readonly string[] = [
  ...ec2(
    "DescribeImages",
    "DescribeImageAttribute",
    "DescribeInstances",
    "DescribeInstanceAttribute",
    "DescribeInstanceTypes",
    "DescribeKeyPairs",
    "DescribeLaunchTemplates",
    "DescribeLaunchTemplateVersions",
    "DescribeSecurityGroups",
    "DescribeSnapshots",
    "DescribeSubnets",
    "DescribeVpcs",
    "GetConsoleOutput",
  ),
  "autoscaling:DescribeAutoScalingGroups",
  "autoscaling:DescribeLaunchConfigurations",
  "ssm:DescribeParameters",
  "ssm:GetParameters",
];
const MAKE = ec2("RunInstances", "CreateImage", "CopyImage", "CreateSecurityGroup", "ImportKeyPair");
const OWN = ec2(
  "AuthorizeSecurityGroupIngress",
  "CreateTags",
  "DeleteKeyPair",
  "DeleteSecurityGroup",
  "DeleteSnapshot",
  "DeleteTags",
  "DeregisterImage",
  "DisableImageDeprecation",
  "EnableImageDeprecation",
  "EnableImageDeregistrationProtection",
  "ModifyImageAttribute",
  "ModifyInstanceAttribute",
  "RebootInstances",
  "StartInstances",
  "StopInstances",
  "TerminateInstances",
);

const partition = (region = ""): string =>
  region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
