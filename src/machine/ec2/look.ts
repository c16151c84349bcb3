import type { EC2, Instance } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "./ec2-errors.ts";
import type { Ec2Instance, Ec2Spec } from "./ec2-spec.ts";
import { TAG } from "./tags.ts";
import { waitFor } from "./wait.ts";

/** How long an instance may take from one state to another, in milliseconds: EC2 itself cuts a guest off after some minutes. */
const STATE_WITHIN = 900_000;

/** All instances that were made for a machine and are not gone, by its id where one is known, else by its tag. */
export async function instancesOf(api: EC2, spec: Ec2Spec, known: Ec2Instance): Promise<readonly Instance[]> {
  const which =
    known.id === undefined
      ? { Filters: [{ Name: `tag:${TAG.machine}`, Values: [spec.token] }] }
      : { InstanceIds: [known.id] };
  try {
    const { Reservations = [] } = await api.describeInstances(which);
    return Reservations.flatMap(({ Instances = [] }) => Instances).filter(({ State }) => !isGone(State?.Name));
  } catch (error) {
    if (awsCode(error) === "InvalidInstanceID.NotFound") return [];
    throw error;
  }
}

export const isGone = (state: string | undefined): boolean => state === "terminated" || state === "shutting-down";

/**
 * Waits until an instance is in a state.
 *
 * @throws {BootlaceError} `E_EC2_BOOT` when it ends instead, or time is up.
 */
export function awaitState(
  api: EC2,
  id: string,
  wanted: "running" | "stopped" | "terminated",
  { every, signal }: { readonly every: number; readonly signal?: AbortSignal | undefined },
): Promise<Instance> {
  let now = "unknown";
  return waitFor(
    async () => {
      const { Reservations = [] } = await api.describeInstances({ InstanceIds: [id] }).catch((error) => {
        // EC2 forgets what ended; what began a moment ago it may not know yet.
        if (wanted === "terminated" && awsCode(error) === "InvalidInstanceID.NotFound")
          return { Reservations: [{ Instances: [{ InstanceId: id, State: { Name: "terminated" as const } }] }] };
        throw error;
      });
      const instance: Instance | undefined = Reservations[0]?.Instances?.[0];
      now = instance?.State?.Name ?? now;
      if (now === wanted) return instance;
      if (wanted !== "terminated" && isGone(now)) throw ended(id, instance);
      return undefined;
    },
    {
      within: STATE_WITHIN,
      every,
      signal,
      passing: /^InvalidInstanceID\.NotFound$/,
      overOutages: true,
      late: () =>
        new BootlaceError("E_EC2_BOOT", `${id} is ${now} after ${STATE_WITHIN / 60_000} min, expected ${wanted}`),
    },
  );
}

function ended(id: string, instance: Instance | undefined): BootlaceError {
  const why = instance?.StateReason?.Message ?? instance?.StateTransitionReason ?? "EC2 gives no reason";
  return new BootlaceError("E_EC2_BOOT", `${id} ended by itself: ${why}`, {
    hint: 'Client.VolumeLimitExceeded, Client.InternalError with encrypted volumes and the like are explained in the EC2 User Guide, "Instance terminates immediately".',
  });
}
