import { BlockList } from "node:net";
import type { Instance, InstanceStateName, IpPermission } from "@aws-sdk/client-ec2";
import type { Cloud } from "../cloud.ts";
import type { Region, StoredInstance } from "../state.ts";
import { firmware } from "./firmware.ts";
import { consoleOf } from "./machine-room.ts";
import { readUserData } from "./user-data.ts";

const CODES: Readonly<Record<InstanceStateName, number>> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

export const state = (name: InstanceStateName) => ({ Code: CODES[name], Name: name });

export function setState({ api }: StoredInstance, name: InstanceStateName): void {
  api.State = state(name);
}

/** Does something to an instance after all that was begun before; a failure ends the instance and tells why. */
export function enqueue(instance: StoredInstance, work: () => Promise<void>): void {
  const before = instance.work;
  instance.busy = true;
  const mine: Promise<void> = before.then(work).then(
    () => done(),
    (error: unknown) => {
      setState(instance, "terminated");
      instance.api.StateReason = {
        Code: "Server.InternalError",
        Message: error instanceof Error ? error.message : String(error),
      };
      done();
    },
  );
  const done = () => {
    if (instance.work === mine) instance.busy = false;
  };
  instance.work = mine;
}

/** First boot, or the next one after a stop. */
export async function boot(cloud: Cloud, region: Region, instance: StoredInstance): Promise<void> {
  const { api, id, image } = instance;
  if (instance.publicAddress) {
    const address = await cloud.room.addresses.take(240);
    api.PublicIpAddress = address;
    api.PublicDnsName = `ec2-${address.replaceAll(".", "-")}.${region.name}.compute.amazonaws.com`;
  }
  const script = firmwareOf(cloud, region, instance);
  if (instance.machine) {
    await cloud.room.setFirmware(id, script);
    await instance.machine.start();
  } else {
    const hostname = (api.PrivateDnsName ?? id).split(".")[0] ?? id;
    instance.machine = await cloud.room.launch(id, hostname, image.layers, script);
  }
  setState(instance, "running");
  delete api.StateReason;
  api.StateTransitionReason = "";
}

export async function halt(instance: StoredInstance, reason: string): Promise<void> {
  setState(instance, "stopping");
  await instance.machine?.stop();
  await halted(instance, reason);
}

/** @param reason `Client.UserInitiatedShutdown` or `Client.InstanceInitiatedShutdown`. */
async function halted(instance: StoredInstance, reason: string): Promise<void> {
  const { api } = instance;
  instance.posted = await consoleOf(instance.machine);
  delete api.PublicIpAddress;
  delete api.PublicDnsName;
  api.StateReason = { Code: reason, Message: `${reason}: ${REASONS[reason]}` };
  api.StateTransitionReason = `User initiated (${new Date().toISOString().slice(0, 19).replace("T", " ")} GMT)`;
  setState(instance, "stopped");
}

const REASONS: Readonly<Record<string, string>> = {
  "Client.UserInitiatedShutdown": "User initiated shutdown",
  "Client.InstanceInitiatedShutdown": "Instance initiated shutdown",
};

/** For good: machine, console's file and volumes are gone, the last output of the console stays. */
export async function end(region: Region, instance: StoredInstance, reason: string): Promise<void> {
  setState(instance, "shutting-down");
  await instance.machine?.stop();
  await halted(instance, reason);
  await instance.machine?.dispose();
  instance.machine = undefined;
  for (const { Ebs } of instance.api.BlockDeviceMappings ?? []) region.volumes.delete(Ebs?.VolumeId ?? "");
  instance.api.BlockDeviceMappings = [];
  delete instance.api.PrivateIpAddress;
  delete instance.api.PrivateDnsName;
  setState(instance, "terminated");
}

/** Looks whether a machine has switched itself off, and does what its InstanceInitiatedShutdownBehavior says. */
export async function notice(cloud: Cloud, region: Region, instance: StoredInstance): Promise<void> {
  const { machine } = instance;
  if (!machine || instance.busy || instance.api.State?.Name !== "running") return;
  if (!(await cloud.room.isOff(machine)) || instance.busy) return;
  // A one-time spot request ends with its instance.
  const terminate = instance.shutdown === "terminate" || instance.api.InstanceLifecycle === "spot";
  const reason = "Client.InstanceInitiatedShutdown";
  enqueue(instance, () => (terminate ? end(region, instance, reason) : halted(instance, reason)));
  await instance.work;
}

/** Starts sshd where a security group lets somebody in by now. */
export async function openSsh(region: Region, instance: StoredInstance): Promise<void> {
  if (!isOpen(region, instance.api) || instance.api.State?.Name !== "running" || !instance.machine) return;
  const session = await instance.machine.session();
  await session.exec(["sh", "-c", "pgrep -x sshd >/dev/null || setsid sh /run/ec2/start-sshd >/dev/null 2>&1 &"]);
  await session.close();
}

/** What a security group has to open, wherever sshd listens on loopback. */
const PORT = 22;
/** Whom it has to let in: everybody on this computer comes from here. */
const CALLERS = ["127.0.0.1", "::1"];

export function isOpen(region: Region, api: Instance): boolean {
  const rules = (api.SecurityGroups ?? []).flatMap(
    ({ GroupId = "" }) => region.groups.get(GroupId)?.IpPermissions ?? [],
  );
  return rules.some((rule) => opens(rule) && CALLERS.some((caller) => sourcesOf(rule).check(caller, familyOf(caller))));
}

const opens = ({ IpProtocol, FromPort = 0, ToPort = 0 }: IpPermission): boolean =>
  IpProtocol === "-1" || (IpProtocol === "tcp" && FromPort <= PORT && PORT <= ToPort);

const familyOf = (address: string): "ipv4" | "ipv6" => (address.includes(":") ? "ipv6" : "ipv4");

function sourcesOf({ IpRanges = [], Ipv6Ranges = [] }: IpPermission): BlockList {
  const list = new BlockList();
  for (const cidr of [...IpRanges.map(({ CidrIp }) => CidrIp), ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6)]) {
    const [network = "", bits] = (cidr ?? "").split("/");
    list.addSubnet(network, Number(bits), familyOf(network));
  }
  return list;
}

function firmwareOf(cloud: Cloud, region: Region, instance: StoredInstance): string {
  const { api, id, image, request } = instance;
  const { planted, script } = readUserData(request.UserData);
  const key = [...region.keys.values()].find(({ KeyName }) => KeyName === request.KeyName);
  return firmware({
    id,
    addresses: [api.PrivateIpAddress, api.PublicIpAddress, api.Ipv6Address].filter((address) => address !== undefined),
    port: cloud.room.port,
    open: isOpen(region, api),
    login: image.login,
    printsHostKeys: image.printsHostKeys,
    authorized: key?.line,
    endpoint: cloud.url,
    metadata: `${cloud.url}/imds/${region.name}/${id}`,
    planted,
    userScript: script,
  });
}
