import * as z from "zod";
import { account, ec2, imageEc2, region } from "./ec2-schema.ts";
import { CHANNEL_NAME, CHANNEL_RULE } from "./names.ts";
import {
  duration,
  expected,
  flag,
  list,
  oneOf,
  oneOrMore,
  paramName,
  paramValue,
  plainName,
  serviceName,
  size,
  text,
  whole,
} from "./schema-parts.ts";

const arch = oneOf(["x86_64", "arm64"]);
const provider = oneOf(["sandbox", "qemu", "ec2"]);
const serviceList = list(serviceName, "a list of services");
const params = z.record(serviceName, z.record(paramName, paramValue, expected("a mapping of parameters")));

const SECRET_SOURCE = /^(?:(?:ssm|secretsmanager):[\w/+=.@:-]+|file:\/\S+|env:[A-Za-z_][A-Za-z0-9_]*|desk:\.\/\S+)$/;
const secretSource = z
  .string(expected("a reference such as ssm:/shop/db"))
  .regex(
    SECRET_SOURCE,
    expected(
      "a reference: ssm:, secretsmanager: or file:/ (the machine gets it), env: or desk:./ (sent from the desk)",
    ),
  );

const base = z.strictObject({
  ami: text("an id").optional().describe("An AMI by id"),
  name: text("a name, `*` stands for anything").optional().describe("The newest AMI of this name, with `owner`"),
  owner: text("an account, `amazon` or `self`").optional().describe("Whose AMI of that name; anybody may use a name"),
  ssm: text("a parameter's name").optional().describe("An AMI named by a public SSM parameter"),
  debian: text("a release").optional().describe("A Debian release, made by debootstrap"),
  url: text("a URL").optional().describe("A disk image to download, with `sha256` or `sha512`"),
  file: text("a path").optional().describe("A disk image at the desk"),
  sha256: z
    .string(expected("a digest"))
    .regex(/^[0-9a-f]{64}$/, expected("64 hexadecimal digits"))
    .optional(),
  sha512: z
    .string(expected("a digest"))
    .regex(/^[0-9a-f]{128}$/, expected("128 hexadecimal digits"))
    .optional(),
  root: text("a path").optional().describe("sandbox: a root tree at the desk"),
  host: z.literal(true, expected("true")).optional().describe("sandbox: a layer over this very host"),
});
const from = z.union([plainName, base], expected("an image of the project, or a mapping such as {debian: bookworm}"));

const qemu = z.strictObject({
  accel: oneOf(["auto", "kvm", "hvf", "tcg"]).optional(),
  args: list(text("text"), "a list of arguments").optional().describe("More arguments for QEMU"),
});

const PORT = "(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])";
/** Desk port to machine port, on an address of the desk. */
const FORWARD = new RegExp(`^(?:(?:\\d{1,3}\\.){3}\\d{1,3}:)?${PORT}:${PORT}$`);

/** The same port on both. */
const ONE_PORT = new RegExp(`^${PORT}$`);

const hardware = {
  on: provider.optional().describe("Provider; default: that of `from`, else sandbox"),
  from: from.optional().describe("What it starts from; default for the sandbox: this host"),
  memory: size.optional(),
  cpus: whole(1, 512).optional(),
  disk: size.optional(),
  login: text("a login name").optional().describe("Who logs in; default by the base"),
  services: serviceList.optional().describe("Roots; default: the project's"),
  params: params.optional().describe("Laid over the project's"),
  ec2: ec2.optional(),
  qemu: qemu.optional(),
};

const image = z.strictObject(
  {
    ...hardware,
    ec2: imageEc2.optional(),
    arch: oneOrMore(arch, "x86_64, arm64 or a list of both")
      .optional()
      .describe("One image for each; default: that of the desk"),
    keep: whole(1, 1000).optional().describe("How many good ones prune leaves; default 3"),
    maxAge: duration.default(30 * 86_400_000).describe("After this an unchanged key builds again; default 30d"),
    timeout: duration.default(3_600_000).describe("The dead-man timer of a build; default 1h"),
    verify: oneOf(["guest", "snapshot"]).optional(),
    release: text("text").optional(),
  },
  expected("a mapping"),
);

const machine = z.strictObject(
  {
    ...hardware,
    arch: arch.optional(),
    ports: list(
      z.union(
        [z.string().regex(FORWARD), z.string().regex(ONE_PORT), z.int().min(1).max(65535)],
        expected('"8080:80", ports from 1 to 65535'),
      ),
      'a list such as ["8080:80"]',
    )
      .optional()
      .describe("Desk port to machine port"),
  },
  expected("a mapping"),
);

const group = z.strictObject(
  {
    hosts: list(text("user@host"), "a list of hosts").optional(),
    asg: text("an auto scaling group").optional(),
    tag: z
      .string(expected("KEY=VALUE"))
      .regex(/^[^=]+=/, expected("KEY=VALUE"))
      .optional(),
    ec2: z
      .strictObject({ region: region.optional(), address: ec2.shape.address })
      .optional()
      .describe("asg, tag: region, default the project's; address, default the public one where there is one"),
    login: text("a login name").optional(),
    services: serviceList.optional(),
    params: params.optional(),
  },
  expected("a mapping with hosts, asg or tag"),
);

const boot = z.strictObject(
  {
    follow: z
      .string(expected("a channel's name"))
      .regex(CHANNEL_NAME, expected(`a channel's name: ${CHANNEL_RULE}`))
      .default("none")
      .describe("Channel that machines fetch at each boot; none: the bundle in the image"),
    auth: oneOf(["none", "role", "keys"]).default("none").describe("How machines get at the store"),
    keysFile: z
      .string(expected("a path on the machine"))
      .regex(/^\/[^\s"'`\\]+$/, expected("an absolute path on the machine, without blanks and quotes"))
      .optional(),
    allowBakedKeys: flag.default(false).describe("Allow a keys file in an image"),
    tags: list(oneOf(["services", "channel"]), "a list of services, channel")
      .default([])
      .describe("Instance tags that are believed"),
    deadline: duration.default(180_000).describe("The boot hook gives up and reports; default 3m"),
    lifetime: duration
      .refine((milliseconds) => milliseconds >= 3_600_000, expected("at least 1h, or it is over before machines boot"))
      .default(90 * 86_400_000)
      .describe("How long a channel's pointer is good; default 90d"),
    expiry: oneOf(["warn", "refuse"]).default("warn").describe("What an expired pointer means"),
    lifecycleHook: z
      .string(expected("a hook's name"))
      .regex(/^[A-Za-z0-9_/-]{1,255}$/, expected("a hook's name: letters, digits and _/-"))
      .optional()
      .describe("Launch lifecycle hook that the boot of an instance in an Auto Scaling group completes"),
    logGroup: z
      .string(expected("a log group's name"))
      .regex(/^[A-Za-z0-9._/#-]{1,512}$/, expected("a log group's name: letters, digits and ._/#-"))
      .optional()
      .describe("Log group of CloudWatch Logs that instances write the events of their boots to"),
    stateTag: flag.default(false).describe("Instances tag themselves: bootlace:state is good, degraded or failed"),
  },
  expected("a mapping"),
);

/** No user, password, query, fragment, quote or backslash: stage1 signs and hands curl what stands here. */
const ENDPOINT = /^https?:\/\/(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/;

const s3 = z.strictObject(
  {
    endpoint: z
      .string(expected("a URL"))
      .regex(
        ENDPOINT,
        expected("a URL such as https://minio.example.com: host, port and path of plain characters alone"),
      )
      .refine((url) => !ENDPOINT.test(url) || URL.canParse(url), expected("a URL such as https://minio.example.com"))
      .optional()
      .describe("An endpoint that speaks S3; default: that of AWS in the region"),
    pathStyle: flag
      .optional()
      .describe("Bucket in the path, not in the host name; default for an endpoint of one's own"),
    kmsKey: text("a key's id, alias or ARN").optional().describe("Objects are encrypted with this KMS key"),
    bucketOwner: account.optional().describe("Account that must own the bucket"),
  },
  expected("a mapping"),
);

/** "Amazon SNS" in Service Authorization Reference; names as CreateTopic has them, FIFO topics have no HTTP endpoints. */
const TOPIC = /^arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/;

const notify = z.strictObject(
  {
    topic: z
      .string(expected("a topic's ARN"))
      .regex(TOPIC, expected("the ARN of a standard SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME"))
      .describe("The topic that machines with bootlace/deploy-listener listen to"),
    services: serviceList.default([]).describe("Services to update; default: what each machine runs anyway"),
  },
  expected("a mapping with `topic`"),
);

const RANGE = /^(?:(?:[<>]=?|=|\^|~)?\d+(?:\.\d+){0,2})(?:\s+(?:[<>]=?|=|\^|~)?\d+(?:\.\d+){0,2})*$/;

/** The whole of bootlace.yaml. Its JSON Schema is `schema/bootlace.schema.json`; docs/project.md says more on each key. */
export const projectSchema = z.strictObject(
  {
    name: plainName.describe("Prefix of names and tags"),
    description: text("text").optional(),
    bootlace: z
      .string(expected('a range such as ">=0.1"'))
      .regex(RANGE, expected('a range such as ">=0.1"'))
      .optional()
      .describe("Versions of Bootlace that may work on it"),
    services: serviceList.default([]).describe("Roots when nobody asks for others"),
    params: params.default({}).describe("Values of parameters, by service"),
    secrets: z
      .record(
        z.string().regex(/^[a-z/-][a-z0-9/-]*\.[A-Za-z0-9_-]+$/, expected("service.secret")),
        secretSource,
        expected("a mapping of service.secret to a reference"),
      )
      .default({})
      .describe("Where secrets come from: references only, never values"),
    store: z
      .string(expected("s3://, http(s)://, file:/// or a path"))
      .regex(
        /^(?:s3:\/\/\S+|https?:\/\/\S+|file:\/\/\/\S+|(?![a-z]+:)\S.*)$/,
        expected("s3://, http(s)://, file:/// or a path"),
      )
      .default(".bootlace/store")
      .describe("Where bundles, artifacts and channels live"),
    records: z
      .string(expected("dynamodb:TABLE"))
      .regex(/^dynamodb:[A-Za-z0-9_.-]{3,255}$/, expected("dynamodb:TABLE"))
      .optional()
      .describe("Where records of images are; default: files in .bootlace/images"),
    region: region.optional(),
    s3: s3.optional().describe("How desk and machines get at the bucket of an s3:// store"),
    runtime: oneOf(["digest", "system"]).default("digest").describe("digest: the shipped Node; system: the machine's"),
    notify: notify.optional().describe("Where `deploy --notify` tells machines of a deployment"),
    boot: boot.prefault({}).describe("What machines do when they boot"),
    images: z.record(plainName, image).default({}),
    machines: z.record(plainName, machine).default({}),
    groups: z.record(plainName, group).default({}),
  },
  expected("a mapping"),
);

export type ProjectConfig = z.output<typeof projectSchema>;
export type ImageConfig = z.output<typeof image>;
export type MachineConfig = z.output<typeof machine>;
export type NotifyConfig = z.output<typeof notify>;
export type BaseConfig = z.output<typeof base>;
