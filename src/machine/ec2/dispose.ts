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

/** So long EC2 may not know what it has made; milliseconds. */
const NEW_FOR = 120_000;
const NOT_FOUND = /^InvalidInstanceID\.NotFound$/;

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
  const found = known.id === undefined ? await instancesOf(api, spec, known) : [{ InstanceId: known.id }];
  // One that is shutting down already is waited for too: its group is in use until it is gone.
  for (const { InstanceId: id = "" } of found)
    if (await ended(api, id, known.launched, every)) await awaitState(api, id, "terminated", { every });
}

/**
 * Asks for an instance's end. Of one that was made a moment ago "not found" means "not yet".
 *
 * @returns false where it is long gone.
 */
function ended(api: EC2, id: string, launched: number | undefined, every: number): Promise<boolean> {
  const isNew = launched !== undefined && Date.now() - launched < NEW_FOR;
  const end = () => api.terminateInstances({ InstanceIds: [id] });
  return waitFor(async () => (isNew ? end() : orGone(NOT_FOUND, end())).then((answer) => answer !== undefined), {
    within: NEW_FOR,
    every,
    passing: NOT_FOUND,
    late: (last) => (last instanceof Error ? last : new Error(`${id} could not be ended`)),
  });
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
