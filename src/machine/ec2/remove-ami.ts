import type { EC2, Image } from "@aws-sdk/client-ec2";
import { snapshotsOf } from "./await-ami.ts";
import { awsCode } from "./ec2-errors.ts";
import { waitFor } from "./wait.ts";

/** EC2 knows for a while of a deregistered AMI that it uses its snapshot; milliseconds. */
const RELEASED_WITHIN = 120_000;

/**
 * Deregisters an AMI and deletes its snapshots. Does nothing to what is gone.
 *
 * @param snapshots known to belong to it, for when the AMI itself is gone.
 */
export async function removeAmi(api: EC2, id: string, snapshots: readonly string[] = []): Promise<void> {
  const image = await describe(api, id);
  const all = new Set([...snapshots, ...snapshotsOf(image)]);
  if (image) await orGone(/^InvalidAMIID\./, api.deregisterImage({ ImageId: id }));
  for (const snapshot of all) await removeSnapshot(api, snapshot);
}

export function removeSnapshot(api: EC2, id: string): Promise<true> {
  return waitFor(
    async () => {
      await orGone(/^InvalidSnapshot\.NotFound$/, api.deleteSnapshot({ SnapshotId: id }));
      return true as const;
    },
    {
      within: RELEASED_WITHIN,
      every: 3_000,
      passing: /^InvalidSnapshot\.InUse$/,
      late: (last) => (last instanceof Error ? last : new Error(`${id} is still in use`)),
    },
  );
}

async function describe(api: EC2, id: string): Promise<Image | undefined> {
  const found = await orGone(/^InvalidAMIID\./, api.describeImages({ ImageIds: [id] }));
  return found?.Images?.[0];
}

/** Answers undefined where what was meant is gone. */
export async function orGone<T>(codes: RegExp, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (codes.test(awsCode(error))) return undefined;
    throw error;
  }
}
