import type {
  DescribeInstanceAttributeRequest,
  GetConsoleOutputRequest,
  GetConsoleOutputResult,
  InstanceAttribute,
  InstanceStateChange,
  InstanceStateName,
  ModifyInstanceAttributeRequest,
  ModifyInstanceMetadataOptionsRequest,
  ModifyInstanceMetadataOptionsResult,
  RebootInstancesRequest,
  StartInstancesRequest,
  StartInstancesResult,
  StopInstancesRequest,
  StopInstancesResult,
  TerminateInstancesRequest,
  TerminateInstancesResult,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { boot, end, enqueue, halt, setState, state } from "../machines/instance-boot.ts";
import { consoleOf } from "../machines/machine-room.ts";
import { ApiError } from "../protocol/api-error.ts";
import type { StoredInstance } from "../state.ts";
import { assertMetadataKeys } from "../tag-book.ts";
import { instanceType } from "./instance-types.ts";
import { instanceOf, instancesOf } from "./instances.ts";

/** Bytes that GetConsoleOutput gives at most: the last ones. */
const CONSOLE = 64 * 1024;
const BY_USER = "Client.UserInitiatedShutdown";

export const lifeActions = {
  StartInstances({ cloud, region, input, commit }: Call<StartInstancesRequest>): StartInstancesResult {
    const all = instancesOf(region, input.InstanceIds);
    for (const each of all) assertState(each, "started", ["stopped", "running", "pending"]);
    commit();
    const changes = all.map((each) => {
      const before = each.api.State;
      if (before?.Name === "stopped") {
        setState(each, "pending");
        enqueue(each, () => boot(cloud, region, each));
      }
      return change(each, before?.Name);
    });
    return { StartingInstances: changes };
  },

  StopInstances({ region, input, commit }: Call<StopInstancesRequest>): StopInstancesResult {
    const all = instancesOf(region, input.InstanceIds);
    for (const each of all) {
      assertState(each, "stopped", ["running", "stopping", "stopped"]);
      if (each.api.InstanceLifecycle === "spot" && isOneTime(each))
        throw new ApiError(
          "UnsupportedOperation",
          `You can't stop the Spot Instance '${each.id}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`,
        );
    }
    commit();
    const changes = all.map((each) => {
      const before = each.api.State;
      if (before?.Name === "running") {
        setState(each, "stopping");
        enqueue(each, () => halt(each, BY_USER));
      }
      return change(each, before?.Name);
    });
    return { StoppingInstances: changes };
  },

  RebootInstances({ region, input, commit }: Call<RebootInstancesRequest>): Record<string, never> {
    const all = instancesOf(region, input.InstanceIds);
    for (const each of all) assertState(each, "rebooted", ["running"]);
    commit();
    for (const each of all)
      enqueue(each, async () => {
        await each.machine?.reboot();
        each.posted = await consoleOf(each.machine);
      });
    return {};
  },

  TerminateInstances({ region, input, commit }: Call<TerminateInstancesRequest>): TerminateInstancesResult {
    const all = instancesOf(region, input.InstanceIds);
    for (const each of all)
      if (each.protected)
        throw new ApiError(
          "OperationNotPermitted",
          `The instance '${each.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
        );
    commit();
    const changes = all.map((each) => {
      const before = each.api.State;
      if (before?.Name !== "terminated" && before?.Name !== "shutting-down") {
        setState(each, "shutting-down");
        enqueue(each, () => end(region, each, BY_USER));
      }
      return change(each, before?.Name);
    });
    return { TerminatingInstances: changes };
  },

  DescribeInstanceAttribute({ region, input }: Call<DescribeInstanceAttributeRequest>): InstanceAttribute {
    const { id, api, shutdown, request, protected: kept } = instanceOf(region, input.InstanceId);
    switch (input.Attribute) {
      case "instanceInitiatedShutdownBehavior":
        return { InstanceId: id, InstanceInitiatedShutdownBehavior: { Value: shutdown } };
      case "disableApiTermination":
        return { InstanceId: id, DisableApiTermination: { Value: kept } };
      case "instanceType":
        return { InstanceId: id, InstanceType: { Value: api.InstanceType } };
      case "userData":
        return { InstanceId: id, UserData: { Value: request.UserData } };
      case "groupSet":
        return { InstanceId: id, Groups: api.SecurityGroups };
      default:
        throw new ApiError("InvalidParameterValue", `Value (${input.Attribute}) for parameter attribute is invalid.`);
    }
  },

  ModifyInstanceAttribute({ region, input, commit }: Call<ModifyInstanceAttributeRequest>): Record<string, never> {
    const instance = instanceOf(region, input.InstanceId);
    const { Attribute: attribute, Value: value } = input;
    const shutdown =
      input.InstanceInitiatedShutdownBehavior?.Value ??
      (attribute === "instanceInitiatedShutdownBehavior" ? value : undefined);
    const kept =
      input.DisableApiTermination?.Value ?? (attribute === "disableApiTermination" ? value === "true" : undefined);
    if (shutdown === undefined && kept === undefined)
      throw new ApiError("InvalidParameterCombination", "No attributes specified.");
    if (shutdown !== undefined && shutdown !== "stop" && shutdown !== "terminate")
      throw new ApiError(
        "InvalidParameterValue",
        `Invalid value '${shutdown}' for InstanceInitiatedShutdownBehavior: expected stop or terminate`,
      );
    assertState(instance, "modified", ["pending", "running", "stopping", "stopped"]);
    commit();
    if (shutdown !== undefined) instance.shutdown = shutdown;
    if (kept !== undefined) instance.protected = kept;
    return {};
  },

  ModifyInstanceMetadataOptions({
    region,
    input,
    commit,
  }: Call<ModifyInstanceMetadataOptionsRequest>): ModifyInstanceMetadataOptionsResult {
    const { api, id } = instanceOf(region, input.InstanceId);
    const { HttpTokens, HttpPutResponseHopLimit, HttpEndpoint, InstanceMetadataTags } = input;
    if (InstanceMetadataTags === "enabled") assertMetadataKeys(region.tags.of(id));
    commit();
    const given = { HttpTokens, HttpPutResponseHopLimit, HttpEndpoint, InstanceMetadataTags };
    const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    api.MetadataOptions = { ...api.MetadataOptions, ...set };
    return { InstanceId: id, InstanceMetadataOptions: api.MetadataOptions };
  },

  /** `Latest` gives what is there now, on Nitro; without it, what stood at the last change of state. */
  async GetConsoleOutput({ region, input, fault }: Call<GetConsoleOutputRequest>): Promise<GetConsoleOutputResult> {
    const instance = instanceOf(region, input.InstanceId);
    if (input.Latest && instanceType(instance.api.InstanceType)?.Hypervisor !== "nitro")
      throw new ApiError(
        "UnsupportedOperation",
        "This instance type does not support retrieving the latest console logs.",
      );
    const live = input.Latest && instance.api.State?.Name === "running";
    const text = live ? await consoleOf(instance.machine) : instance.posted;
    const output = Buffer.from(text.replaceAll("\n", "\r\n")).subarray(-CONSOLE);
    if (output.length === 0 || fault?.kind === "empty") return { InstanceId: instance.id, Timestamp: new Date() };
    return { InstanceId: instance.id, Timestamp: new Date(), Output: output.toString("base64") };
  },
};

function assertState(instance: StoredInstance, what: string, allowed: readonly InstanceStateName[]): void {
  const name = instance.api.State?.Name ?? "pending";
  if (!allowed.includes(name))
    throw new ApiError(
      "IncorrectInstanceState",
      `The instance '${instance.id}' is not in a state from which it can be ${what}.`,
    );
}

const isOneTime = ({ request }: StoredInstance): boolean =>
  request.InstanceMarketOptions?.SpotOptions?.SpotInstanceType !== "persistent";

const change = ({ id, api }: StoredInstance, before: InstanceStateName | undefined): InstanceStateChange => ({
  InstanceId: id,
  CurrentState: api.State,
  PreviousState: state(before ?? "pending"),
});
