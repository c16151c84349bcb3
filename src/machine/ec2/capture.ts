import type { EC2, Image } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import type { Captured, Origin } from "../machine.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import { awsCode } from "./ec2-errors.ts";
import type { Ec2Capture, Ec2Files, Ec2Spec } from "./ec2-spec.ts";
import { removeAmi } from "./remove-ami.ts";
import { imageTags, TAG, tagging, tagOf } from "./tags.ts";
import { waitFor } from "./wait.ts";

/** Snapshots of large volumes take their time; milliseconds. */
const AVAILABLE_WITHIN = 4 * 3_600_000;

export interface CaptureRequest {
  readonly api: EC2;
  readonly id: string;
  readonly spec: Ec2Spec;
  readonly files: Ec2Files;
  readonly every: number;
  /** Per cent of the snapshot. */
  readonly progress?: (percent: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes an AMI of a stopped instance and waits until it is there. One that fails or is interrupted is removed; one that a
 * former try left is made anew.
 *
 * @throws {BootlaceError} `E_EC2_IMAGE`.
 */
export async function captureInstance(request: CaptureRequest): Promise<Captured> {
  const { api, spec, files } = request;
  const former = await readJson<Ec2Capture>(files.capture);
  if (former) await removeOwnImage(api, spec, former);
  const capture: Ec2Capture = { name: spec.imageName };
  await writeJson(files.capture, capture);
  try {
    const ami = await createImage(request);
    await writeJson(files.capture, { ...capture, ami } satisfies Ec2Capture);
    const image = await awaitImage(request, ami);
    await requireImdsV2(api, spec, image);
    await writeJson(files.capture, { ...capture, ami, done: true } satisfies Ec2Capture);
    return { parents: [], origin: originOf(spec, image), bytes: bytesOf(image) };
  } catch (error) {
    // What is left after a failure here is found by its tags.
    await removeOwnImage(api, spec, (await readJson<Ec2Capture>(files.capture)) ?? capture).catch(() => {});
    throw error;
  }
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

async function awaitImage({ api, every, progress, signal }: CaptureRequest, ami: string): Promise<Image> {
  let shown = -1;
  return waitFor(
    async () => {
      const [image] = (await api.describeImages({ ImageIds: [ami] })).Images ?? [];
      const state = image?.State;
      if (state === "available") return image;
      if (state === "failed" || state === "error" || state === "deregistered" || state === "invalid")
        throw new BootlaceError(
          "E_EC2_IMAGE",
          `The AMI ${ami} is ${state}: ${image?.StateReason?.Message ?? "EC2 gives no reason"}`,
        );
      const percent = await percentOf(api, image);
      if (percent > shown) progress?.(percent);
      shown = Math.max(shown, percent);
      return undefined;
    },
    {
      within: AVAILABLE_WITHIN,
      every,
      signal,
      passing: /^InvalidAMIID\.(NotFound|Unavailable)$/,
      overOutages: true,
      late: () =>
        new BootlaceError("E_EC2_IMAGE", `The AMI ${ami} was not there within ${AVAILABLE_WITHIN / 3_600_000} h`),
    },
  );
}

/** Of the slowest snapshot; 0 where there is none yet. */
async function percentOf(api: EC2, image: Image | undefined): Promise<number> {
  const SnapshotIds = snapshotsOf(image);
  if (SnapshotIds.length === 0) return 0;
  const { Snapshots = [] } = await api.describeSnapshots({ SnapshotIds }).catch((error) => {
    if (awsCode(error) === "InvalidSnapshot.NotFound") return { Snapshots: [] };
    throw error;
  });
  const each = Snapshots.map(({ Progress }) => Number.parseInt(Progress ?? "0", 10) || 0);
  return each.length > 0 ? Math.min(...each) : 0;
}

/** Instances of the AMI take IMDSv2 alone, unless the project says otherwise. */
async function requireImdsV2(api: EC2, { config }: Ec2Spec, image: Image): Promise<void> {
  if (config.imds === "optional" || image.ImdsSupport === "v2.0" || image.ImageId === undefined) return;
  await api.modifyImageAttribute({ ImageId: image.ImageId, Attribute: "imdsSupport", ImdsSupport: { Value: "v2.0" } });
}

export const snapshotsOf = (image: Image | undefined): string[] =>
  (image?.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => (Ebs?.SnapshotId ? [Ebs.SnapshotId] : []));

/** Of its volumes; what snapshots hold of them is paid for, and told by nobody. */
export const bytesOf = (image: Image | undefined): number =>
  (image?.BlockDeviceMappings ?? []).reduce((sum, { Ebs }) => sum + (Ebs?.VolumeSize ?? 0) * 1024 ** 3, 0);

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
