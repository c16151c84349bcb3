import { BootlaceError } from "../../stage2/index.ts";
import { findIn } from "../image/find-image.ts";
import { type ImageRecord, imageName, keptOrigins } from "../image/image-record.ts";
import { openRecords } from "../image/records/open-records.ts";
import { regionFlag } from "./region.ts";

/** An image as a rollout needs it. */
export interface RolledImage {
  /** `web/20261130T…`. */
  readonly label: string;
  readonly project: string;
  readonly ami: string;
  readonly region: string;
  /** What a printed command needs at its end to act there: ` --region …`, or nothing. */
  readonly at: string;
}

/**
 * The AMI of an image in a region.
 *
 * @param region where the goal is; undefined: where the image is.
 * @param arch of a NAME that has images of several, `x86_64` or `arm64`.
 * @throws {BootlaceError} `E_IMAGE_UNKNOWN`; `E_IMAGE_STATE` unless it is good; `E_ROLLOUT_IMAGE` where it is no AMI, where a NAME could be one of several architectures, or has no copy in the region.
 */
export async function rolledImage(
  dir: string,
  { name: project, region: usual }: { readonly name: string; readonly region?: string | undefined },
  target: string,
  region: string | undefined,
  arch?: string,
): Promise<RolledImage> {
  const image = await imageOf(dir, target, arch);
  if (!image)
    throw new BootlaceError("E_IMAGE_UNKNOWN", `There is no image ${target}`, {
      hint: `\`bootlace image ls\` lists them; \`bootlace build ${target.split("/")[0]}\` builds one.`,
    });
  const label = imageName(image);
  if (image.state !== "good")
    throw new BootlaceError("E_IMAGE_STATE", `${label} is ${image.state}, and only a good image is rolled out`, {
      hint: `\`bootlace image show ${label}\` tells why; \`bootlace build ${image.name}\` builds one.`,
    });
  const copies = copiesOf(image);
  if (copies.size === 0)
    throw new BootlaceError(
      "E_ROLLOUT_IMAGE",
      `${label} is an image of ${image.provider}, and only an AMI can go there`,
      {
        hint: "Build it with `on: ec2`.",
      },
    );
  const [home = ""] = copies.keys();
  const where = region ?? home;
  const ami = copies.get(where);
  if (ami !== undefined) return { label, project, ami, region: where, at: regionFlag(where, usual) };
  throw new BootlaceError(
    "E_ROLLOUT_IMAGE",
    `${label} has no copy in ${where}; it is in ${[...copies.keys()].join(", ")}`,
    {
      hint: `Roll it out there (--region ${home}), or copy it to ${where}: \`ec2: {copies: [${where}]}\` in bootlace.yaml.`,
    },
  );
}

/** A NAME is its newest good image; of several architectures the newest one is nobody's choice. */
async function imageOf(dir: string, target: string, arch: string | undefined): Promise<ImageRecord | undefined> {
  const records = await openRecords(dir);
  if (target.includes("/")) return findIn(records, target);
  const good = (await records.named(target)).filter(({ state }) => state === "good");
  const newest = [...new Map([...good].reverse().map((image) => [image.arch, image])).values()];
  if (arch !== undefined) return newest.find((image) => image.arch === arch);
  if (newest.length < 2) return findIn(records, target);
  throw new BootlaceError(
    "E_ROLLOUT_IMAGE",
    `${target} has good images of several architectures: ${newest.map((each) => `${imageName(each)} (${each.arch})`).join(", ")}`,
    { hint: "Name one of them, or say which: --arch x86_64 or --arch arm64." },
  );
}

/** AMI ids by region, the region where it was built first. */
function copiesOf(image: ImageRecord): ReadonlyMap<string, string> {
  return new Map(keptOrigins(image).flatMap(({ ami, region }) => (ami && region ? [[region, ami] as const] : [])));
}
