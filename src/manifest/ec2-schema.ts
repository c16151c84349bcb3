import * as z from "zod";
import { duration, expected, flag, list, oneOf, oneOrMore, size, text, whole } from "./schema-parts.ts";

const tagged = z.strictObject({ tag: text("KEY=VALUE") });
const idOrTag = z.union([text("an id"), tagged], expected("an id, or a mapping with `tag`"));

export const region = z.string(expected("a region")).regex(/^[a-z0-9-]{1,64}$/, expected("a region such as eu-west-1"));
/** An address range, IPv4 or IPv6, or this desk's own address. */
const OPEN_TO = /^(?:own|(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\/\d{1,3})$/;
/** "Name" of CreateImage, Amazon EC2 API Reference, and references. */
const AMI_NAME = /^[A-Za-z0-9()[\] ./'@_{}-]{3,128}$/;

export const account = z
  .string(expected('an account in quotes: "111122223333"'))
  .regex(/^\d{12}$/, expected("an account of 12 digits"));

/** What the metadata service can show ("View tags using instance metadata", Amazon EC2 User Guide); `aws:` is AWS's own. */
const TAG_KEY = /^(?![Aa][Ww][Ss]:)(?!(?:\.{1,2}|_index)$)[A-Za-z0-9+=.,_:@-]{1,127}$/;

/** `ec2:` of a machine; docs/ec2.md says more on each key. */
export const ec2 = z.strictObject({
  region: region.optional().describe("Default: the project's `region`, then what the SDK finds"),
  type: oneOrMore(text("an instance type"), "an instance type or a list of them")
    .optional()
    .describe("Tried in order where there is no capacity; default t3.small, arm64 t4g.small"),
  spot: flag
    .optional()
    .describe(
      "Spot instances for machines; builders are stopped and smoke tests look at the shutdown behaviour, so they never are",
    ),
  vpc: idOrTag.optional().describe("Default: the default VPC"),
  subnet: idOrTag.optional().describe("Default: one of the VPC that fits `address`"),
  securityGroups: list(idOrTag, "a list of groups")
    .optional()
    .describe("Groups that exist; default: a temporary one that lets in SSH from `openTo` alone"),
  address: oneOf(["public", "private", "ipv6"])
    .optional()
    .describe("By which address the desk connects; default public"),
  openTo: oneOrMore(
    z.string(expected("own or a CIDR")).regex(OPEN_TO, expected("own, or a CIDR such as 203.0.113.7/32")),
    "own, a CIDR, or a list of them",
  )
    .optional()
    .describe("Who may connect; default: this desk's own address, for `address: private` the VPC's range"),
  openToWorld: flag.optional().describe("Allows 0.0.0.0/0 and ::/0 in `openTo`"),
  profile: text("an instance profile").optional().describe("Name or ARN"),
  volume: z
    .strictObject({
      size: size.optional(),
      type: text("a volume type").optional(),
      iops: whole(100, 1_000_000).optional(),
      throughput: whole(1, 10_000).optional(),
      encrypted: flag.optional(),
      kmsKey: text("a key").optional(),
    })
    .optional()
    .describe("The root volume; default: as its AMI has it"),
  hostKeys: oneOf(["console", "planted", "accept"])
    .optional()
    .describe(
      "How the desk learns the host key. console: what the machine prints; planted: by user data; accept: whatever the first connection shows",
    ),
  imds: oneOf(["required", "optional"]).optional().describe("IMDSv2; default required"),
  imageName: z
    .string(expected("a template"))
    .regex(
      AMI_NAME,
      expected("3 to 128 letters, digits and ()[]./-'@_ and blanks, with {project}, {image}, {id}, {arch}"),
    )
    .optional()
    .describe("Name of AMIs; default {project}-{image}-{id}"),
  tags: z
    .record(
      z.string().regex(TAG_KEY),
      z.string(expected("text")).max(256),
      expected("a mapping of letters, digits and +-=.,_:@ to text"),
    )
    .optional()
    .describe("On all that is made; the instance sees its own"),
});
/** Of images alone: what becomes of an AMI that was proven. */
export const imageEc2 = ec2.extend({
  copies: list(
    z.union([region, z.strictObject({ region, kmsKey: text("a key").optional() })], expected("a region, or a mapping")),
    "a list of regions",
  )
    .optional()
    .describe("Regions that get a copy, each encrypted with a key of its own where one is named"),
  share: z
    .strictObject({
      accounts: list(account, "a list of accounts").optional(),
      organizations: list(text("an ARN"), "a list of ARNs").optional(),
      units: list(text("an ARN"), "a list of ARNs").optional(),
    })
    .optional()
    .describe("Who may launch from the AMI and its copies: accounts, organisations, organisational units"),
  deprecateAfter: duration.optional().describe("From then on EC2 tells others not to use it"),
  protect: flag.optional().describe("It cannot be deregistered until somebody ends its protection"),
});

export type Ec2Config = z.output<typeof ec2>;
export type ImageEc2Config = z.output<typeof imageEc2>;
