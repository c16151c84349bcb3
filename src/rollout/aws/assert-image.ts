import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { TAG, tagOf } from "../../machine/ec2/tags.ts";
import type { RolledImage } from "../rolled-image.ts";
import { findAmi } from "./find-ami.ts";

/**
 * Asks EC2 whether an image can be launched there: before anything is changed.
 *
 * @param former the AMI in whose place it goes; one that is gone is no hindrance.
 * @throws {BootlaceError} `E_ROLLOUT_IMAGE`: it is gone, not ready, not proven, or of another architecture.
 */
export async function assertImage(api: EC2, { label, ami, region }: RolledImage, former?: string): Promise<void> {
  const image = await findAmi(api, ami);
  if (!image)
    throw new BootlaceError("E_ROLLOUT_IMAGE", `There is no AMI ${ami} of ${label} in ${region} any more`, {
      hint: "Build it again: `bootlace build`.",
    });
  const state = tagOf(image.Tags, TAG.state);
  if (image.State !== "available")
    throw new BootlaceError("E_ROLLOUT_IMAGE", `${ami} of ${label} is ${image.State}, expected available`);
  if (state !== "" && state !== "good" && state !== "deprecated")
    throw new BootlaceError("E_ROLLOUT_IMAGE", `${ami} of ${label} is ${state}: it was never proven by a smoke test`);
  const before = former === undefined || former === ami ? undefined : await findAmi(api, former);
  if (before && before.Architecture !== image.Architecture)
    throw new BootlaceError(
      "E_ROLLOUT_IMAGE",
      `${ami} of ${label} is ${image.Architecture}; what it would replace, ${former}, is ${before.Architecture}`,
      { hint: "The template's instance type would not start it: roll out an image of the same architecture." },
    );
}
