import { randomBytes } from "node:crypto";
import type { CopyImageRequest, EC2, Image } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import type { Origin, PublishedImage } from "../machine.ts";
import { awaitAmi, snapshotsOf } from "./await-ami.ts";
import { requireImdsV2 } from "./capture.ts";
import { ec2Client } from "./ec2-client.ts";
import { awsCode } from "./ec2-errors.ts";
import { removeAmi } from "./remove-ami.ts";
import { copyTags, TAG, tagging, tagOf } from "./tags.ts";

export interface CopyTarget {
  readonly region: string;
  /** Absent: as the source is encrypted, by the region's default key. */
  readonly kmsKey?: string | undefined;
}

export interface Copying {
  /** Milliseconds between two looks. */
  readonly every: number;
  /** Per cent of the slowest snapshot. */
  readonly progress: (percent: number) => void;
  readonly signal: AbortSignal;
}

/** A copy that is not there by then may be removed by anybody's gc; milliseconds. */
const EXPIRES = 4 * 3_600_000;

/** One region as a string, or with a key. */
export const copyTarget = (given: string | CopyTarget): CopyTarget =>
  typeof given === "string" ? { region: given } : given;

/**
 * Copies an AMI into a region and waits until it can be used there. A copy that a desk began and did not wait for is
 * taken up, one that failed is made anew. Its tags say that it is nobody's yet: call `markAmi()` when it is recorded.
 *
 * @throws {BootlaceError} `E_EC2_IMAGE`.
 */
export async function copyAmi(image: PublishedImage, to: CopyTarget, copying: Copying): Promise<Origin> {
  const { origin, hardware } = image;
  const api = await ec2Client(to.region);
  const ami = (await begunCopy(api, image)) ?? (await beginCopy(api, image, to));
  const copy = await awaitAmi({ api, ...copying }, ami);
  await requireImdsV2(api, { config: hardware.ec2 ?? {} }, copy);
  return { ...origin, ami, region: to.region, snapshots: snapshotsOf(copy).join(" ") };
}

async function begunCopy(api: EC2, { name, project }: PublishedImage): Promise<string | undefined> {
  const Filters = [
    { Name: `tag:${TAG.project}`, Values: [project] },
    { Name: `tag:${TAG.image}`, Values: [name] },
  ];
  const { Images = [] } = await api.describeImages({ Owners: ["self"], Filters });
  for (const failed of Images.filter(isFailed)) await removeAmi(api, failed.ImageId ?? "", snapshotsOf(failed));
  return Images.find((image) => !isFailed(image) && tagOf(image.Tags, TAG.build) !== "")?.ImageId;
}

const isFailed = ({ State }: Image): boolean => State === "failed" || State === "error" || State === "invalid";

async function beginCopy(api: EC2, image: PublishedImage, { region, kmsKey }: CopyTarget): Promise<string> {
  const { name, project, origin } = image;
  const wanted: CopyImageRequest = {
    SourceImageId: origin.ami,
    SourceRegion: origin.region,
    Name: origin.name ?? name.replace("/", "-"),
    Description: `${name} of ${project}, copied from ${origin.ami} in ${origin.region}`,
    // The SDK asks again when an answer is lost, with the same token.
    ClientToken: randomBytes(16).toString("hex"),
    ...(kmsKey === undefined ? {} : { Encrypted: true, KmsKeyId: kmsKey }),
    TagSpecifications: tagging(copyTags(image, region, Date.now() + EXPIRES), "image", "snapshot"),
  };
  try {
    const { ImageId } = await api.copyImage(wanted);
    if (ImageId !== undefined) return ImageId;
    throw new BootlaceError("E_EC2_IMAGE", `CopyImage to ${region} answered no id`);
  } catch (error) {
    // An answer that was lost, where EC2 looks at the name before the token: the copy is there.
    const begun = awsCode(error) === "InvalidAMIName.Duplicate" ? await begunCopy(api, image) : undefined;
    if (begun !== undefined) return begun;
    throw error;
  }
}
