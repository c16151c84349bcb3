import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { readJson, removeFolder } from "../machine-folder.ts";
import { removeOwnImage } from "./capture.ts";
import { type Ec2Capture, type Ec2Files, type Ec2Instance, type Ec2Spec, resourceName } from "./ec2-spec.ts";
import { awaitState, instancesOf } from "./look.ts";
import { orGone } from "./remove-ami.ts";
import { waitFor } from "./wait.ts";

/** A group is free when the network cards of its instances are gone; milliseconds. */
const GROUP_WITHIN = 180_000;

/**
 * Removes an instance, its group, its key pair, the AMI of a capture that was never handed over, and last the record. Each
 * is tried whether or not the others go.
 *
 * @throws {BootlaceError} `E_EC2_LEFT` naming what is left; the record then stays, for another try.
 */
export async function disposeInstance(api: EC2, spec: Ec2Spec, files: Ec2Files, every: number): Promise<void> {
  if ((await readJson(files.spec)) === undefined) return;
  const known = (await readJson<Ec2Instance>(files.instance)) ?? {};
  const capture = await readJson<Ec2Capture>(files.capture);
  const parts: readonly (readonly [string, () => Promise<unknown>])[] = [
    [known.id ?? "its instance", () => endInstances(api, spec, known, every)],
    [known.group ?? "its security group", () => removeGroups(api, spec, known.group, every)],
    [`key pair ${resourceName(spec)}`, () => api.deleteKeyPair({ KeyName: resourceName(spec) })],
    [
      `AMI ${capture?.ami ?? spec.imageName}`,
      async () => capture && !capture.done && removeOwnImage(api, spec, capture),
    ],
  ];
  const left: { readonly what: string; readonly cause: unknown }[] = [];
  for (const [what, remove] of parts) await remove().catch((cause: unknown) => left.push({ what, cause }));
  const [first] = left;
  if (first === undefined) return removeFolder(files.folder);
  const why = first.cause instanceof Error ? first.cause.message : String(first.cause);
  throw new BootlaceError(
    "E_EC2_LEFT",
    `Not removed in ${spec.region}: ${left.map(({ what }) => what).join(", ")}; ${why}`,
    {
      cause: first.cause,
    },
  );
}

async function endInstances(api: EC2, spec: Ec2Spec, known: Ec2Instance, every: number): Promise<void> {
  const ids = (await instancesOf(api, spec, known)).map(({ InstanceId }) => InstanceId ?? "");
  if (ids.length > 0) await api.terminateInstances({ InstanceIds: ids });
  // Also of one that is shutting down already: its group is in use until it is gone.
  const waited = ids.length > 0 || known.id === undefined ? ids : [known.id];
  for (const id of waited) await awaitState(api, id, "terminated", { every });
}

async function removeGroups(api: EC2, spec: Ec2Spec, known: string | undefined, every: number): Promise<void> {
  if (spec.groups.length > 0) return;
  const Filters = [{ Name: "group-name", Values: [resourceName(spec)] }];
  const found =
    known === undefined ? ((await api.describeSecurityGroups({ Filters })).SecurityGroups ?? []) : [{ GroupId: known }];
  for (const { GroupId } of found) if (GroupId !== undefined) await removeGroup(api, GroupId, every);
}

export function removeGroup(api: EC2, id: string, every: number): Promise<true> {
  return waitFor(
    async () => {
      await orGone(/^InvalidGroup(Id)?\.NotFound$/, api.deleteSecurityGroup({ GroupId: id }));
      return true as const;
    },
    {
      within: GROUP_WITHIN,
      every,
      passing: /^(DependencyViolation|InvalidGroup\.InUse)$/,
      late: (last) => (last instanceof Error ? last : new Error(`${id} is still in use`)),
    },
  );
}
