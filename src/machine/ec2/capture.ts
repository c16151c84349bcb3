import { rm } from "node:fs/promises";
import type { EC2, Image } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import type { Captured, Origin } from "../machine.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import { type AwaitAmi, awaitAmi, bytesOf, snapshotsOf } from "./await-ami.ts";
import { awsCode } from "./ec2-errors.ts";
import type { Ec2Capture, Ec2Files, Ec2Spec } from "./ec2-spec.ts";
import { removeAmi } from "./remove-ami.ts";
import { imageTags, TAG, tagging, tagOf } from "./tags.ts";
import { waitFor } from "./wait.ts";

export interface CaptureRequest extends AwaitAmi {
  readonly id: string;
  readonly spec: Ec2Spec;
  readonly files: Ec2Files;
}

/**
 * Makes an AMI of a stopped instance and waits until it is there. One that a former try began is waited for; one that
 * failed is made anew. What comes to nothing is removed with the machine.
 *
 * @throws {BootlaceError} `E_EC2_IMAGE`.
 */
export async function captureInstance(request: CaptureRequest): Promise<Captured> {
  const { api, spec, files } = request;
  const capture: Ec2Capture = { name: spec.imageName };
  let ami = await begunImage(request);
  if (ami === undefined) {
    await discardCapture(request);
    await writeJson(files.capture, capture);
    ami = await createImage(request);
  }
  await writeJson(files.capture, { ...capture, ami } satisfies Ec2Capture);
  const image = await awaitAmi(request, ami);
  await requireImdsV2(api, spec, image);
  await writeJson(files.capture, { ...capture, ami, done: true } satisfies Ec2Capture);
  return { parents: [], origin: originOf(spec, image), bytes: bytesOf(image) };
}

type Begun = Pick<CaptureRequest, "api" | "spec" | "files">;

/** The AMI of a capture that was begun, unless it came to nothing. */
export async function begunImage({ api, spec, files }: Begun): Promise<string | undefined> {
  const capture = await readJson<Ec2Capture>(files.capture);
  if (!capture) return undefined;
  const image = (await ownImages(api, spec)).find(({ State }) => State === "pending" || State === "available");
  return image?.ImageId;
}

/** Removes what a capture made: what is on the machine's disk is to become another. */
export async function discardCapture({ api, spec, files }: Begun): Promise<void> {
  const capture = await readJson<Ec2Capture>(files.capture);
  if (!capture) return;
  await removeOwnImage(api, spec, capture);
  await rm(files.capture, { force: true });
}

/** CreateImage knows no client token: after a lost answer the name, which is unique in the account, tells what came of it. */
async function createImage({ api, id, spec, every }: CaptureRequest): Promise<string> {
  const tags = imageTags(spec);
  try {
    const { ImageId } = await api.createImage({
      InstanceId: id,
      Name: spec.imageName,
      Description: `${spec.image ?? spec.name} of ${spec.project}, made by Bootlace from ${spec.ami.id}`,
      NoReboot: true,
      TagSpecifications: tagging(tags, "image", "snapshot"),
    });
    if (ImageId !== undefined) return ImageId;
    throw new BootlaceError("E_EC2_IMAGE", "CreateImage answered no id");
  } catch (error) {
    if (awsCode(error) !== "InvalidAMIName.Duplicate") throw error;
    const ours = await waitFor(async () => (await ownImages(api, spec))[0]?.ImageId, {
      within: 60_000,
      every,
      late: () =>
        new BootlaceError("E_EC2_IMAGE", `The account has another AMI called "${spec.imageName}"`, {
          hint: "Put {id} into `ec2.imageName`, which is another one for each build.",
          cause: error,
        }),
    });
    return ours;
  }
}

/** AMIs of this name that were made from this very machine. */
async function ownImages(api: EC2, { imageName, token }: Ec2Spec): Promise<readonly Image[]> {
  const Filters = [{ Name: "name", Values: [imageName] }];
  const { Images = [] } = await api.describeImages({ Owners: ["self"], Filters });
  return Images.filter(({ Tags }) => tagOf(Tags, TAG.machine) === token);
}

/** Instances of the AMI take IMDSv2 alone, unless the project says otherwise. */
export async function requireImdsV2(api: EC2, { config }: Pick<Ec2Spec, "config">, image: Image): Promise<void> {
  if (config.imds === "optional" || image.ImdsSupport === "v2.0" || image.ImageId === undefined) return;
  await api.modifyImageAttribute({ ImageId: image.ImageId, Attribute: "imdsSupport", ImdsSupport: { Value: "v2.0" } });
}

function originOf(spec: Ec2Spec, image: Image): Origin {
  return {
    ami: image.ImageId ?? "",
    region: spec.region,
    snapshots: snapshotsOf(image).join(" "),
    rootDevice: image.RootDeviceName ?? spec.ami.rootDevice,
    arch: spec.ami.architecture,
    login: spec.login,
    from: `${spec.ami.id} (${spec.ami.name})`,
    name: spec.imageName,
  };
}

/** Removes the AMI of a capture that was not handed over, or that is to be made again. */
export async function removeOwnImage(api: EC2, spec: Ec2Spec, { ami }: Ec2Capture): Promise<void> {
  const found = ami === undefined ? (await ownImages(api, spec)).map(({ ImageId }) => ImageId ?? "") : [ami];
  for (const id of found) await removeAmi(api, id);
}
