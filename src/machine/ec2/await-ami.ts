import type { EC2, Image } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "./ec2-errors.ts";
import { waitFor } from "./wait.ts";

/** Snapshots of large volumes take their time; milliseconds. */
const AVAILABLE_WITHIN = 4 * 3_600_000;

export interface AwaitAmi {
  readonly api: EC2;
  /** Milliseconds between two looks. */
  readonly every: number;
  /** Per cent of the slowest snapshot. */
  readonly progress?: (percent: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Waits until an AMI can be used.
 *
 * @throws {BootlaceError} `E_EC2_IMAGE` with EC2's reason when it fails.
 */
export async function awaitAmi({ api, every, progress, signal }: AwaitAmi, ami: string): Promise<Image> {
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

export const snapshotsOf = (image: Image | undefined): string[] =>
  (image?.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => (Ebs?.SnapshotId ? [Ebs.SnapshotId] : []));

/** Of its volumes; what snapshots hold of them is paid for, and told by nobody. */
export const bytesOf = (image: Image | undefined): number =>
  (image?.BlockDeviceMappings ?? []).reduce((sum, { Ebs }) => sum + (Ebs?.VolumeSize ?? 0) * 1024 ** 3, 0);
