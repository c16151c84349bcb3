import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";

/** Says what becomes of an instance that powers itself off. */
export async function setShutdown(api: EC2, id: string, behaviour: "stop" | "terminate"): Promise<void> {
  await api.modifyInstanceAttribute({ InstanceId: id, InstanceInitiatedShutdownBehavior: { Value: behaviour } });
}

/**
 * Read back, not believed: a builder that terminates on shutdown would take the image's disk with it.
 *
 * @throws {BootlaceError} `E_MACHINE_STATE` when it would end for good.
 */
export async function assertStopsOnShutdown(api: EC2, id: string, whose: string): Promise<void> {
  const asked = { InstanceId: id, Attribute: "instanceInitiatedShutdownBehavior" } as const;
  const came = (await api.describeInstanceAttribute(asked)).InstanceInitiatedShutdownBehavior?.Value;
  if (came === "stop") return;
  throw new BootlaceError("E_MACHINE_STATE", `${whose} ${id} would ${came} when it shuts down, expected stop`);
}
