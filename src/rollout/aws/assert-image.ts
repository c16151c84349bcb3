import type { EC2, Image } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "../../machine/ec2/ec2-errors.ts";
import { TAG, tagOf } from "../../machine/ec2/tags.ts";
import type { RolledImage } from "../rolled-image.ts";
import type { TemplateVersion } from "./templates.ts";

/**
 * Asks EC2 whether an image can be launched there: before anything is changed.
 *
 * @param former the AMI in whose place it goes; one that is gone is no hindrance.
 * @throws {BootlaceError} `E_ROLLOUT_IMAGE`: it is gone, not ready, not proven, or of another architecture.
 */
export async function assertImage(api: EC2, { label, ami, region }: RolledImage, former?: string): Promise<void> {
  const image = await imageOf(api, ami);
  if (!image)
    throw new BootlaceError("E_ROLLOUT_IMAGE", `There is no AMI ${ami} of ${label} in ${region} any more`, {
      hint: "Build it again: `bootlace build`.",
    });
  const state = tagOf(image.Tags, TAG.state);
  if (image.State !== "available")
    throw new BootlaceError("E_ROLLOUT_IMAGE", `${ami} of ${label} is ${image.State}, expected available`);
  if (state !== "" && state !== "good" && state !== "deprecated")
    throw new BootlaceError("E_ROLLOUT_IMAGE", `${ami} of ${label} is ${state}: it was never proven by a smoke test`);
  const before = former === undefined || former === ami ? undefined : await imageOf(api, former);
  if (before && before.Architecture !== image.Architecture)
    throw new BootlaceError(
      "E_ROLLOUT_IMAGE",
      `${ami} of ${label} is ${image.Architecture}; what it would replace, ${former}, is ${before.Architecture}`,
      { hint: "The template's instance type would not start it: roll out an image of the same architecture." },
    );
}

/**
 * Looks whether what a rollback goes to can still be launched.
 *
 * @throws {BootlaceError} `E_ROLLBACK`: its AMI is gone or not ready; the instances stay as they are.
 */
export async function assertThere(api: EC2, { number, ami }: TemplateVersion): Promise<void> {
  if (ami === undefined || !ami.startsWith("ami-")) return;
  const state = (await imageOf(api, ami))?.State ?? "gone";
  if (state === "available") return;
  throw new BootlaceError(
    "E_ROLLBACK",
    `The AMI ${ami} of version ${number} is ${state}: nothing could start from it`,
    {
      hint: "Choose another version with --to, or roll out an image: bootlace rollout IMAGE.",
    },
  );
}

async function imageOf(api: EC2, id: string): Promise<Image | undefined> {
  try {
    return (await api.describeImages({ ImageIds: [id] })).Images?.[0];
  } catch (error) {
    if (/^InvalidAMIID\./.test(awsCode(error))) return undefined;
    throw error;
  }
}
