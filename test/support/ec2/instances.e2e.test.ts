import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientOf, Desk } from "./desk.ts";
import { type Ec2, startEc2 } from "./start-ec2.ts";

let ec2: Ec2;
let desk: Desk;
beforeAll(async () => {
  ec2 = await startEc2();
  desk = new Desk(clientOf(ec2), ec2.amis.root);
});
afterAll(async () => {
  desk?.close();
  await ec2?.close();
});

test("an instance is told who it is by DMI, boot_id and the metadata service, as on EC2", async () => {
  const id = await desk.launch({
    MetadataOptions: { HttpTokens: "required", InstanceMetadataTags: "enabled" },
    TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "bootlace:purpose", Value: "build" }] }],
  });
  const keys = await desk.hostKeys(id);
  const ask = (line: string) => desk.ssh(id, line, keys);
  expect(await ask("cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/board_asset_tag; ls /run/bootlace")).toBe(
    `Amazon EC2\n${id}\ninit`,
  );
  const boot = await ask("cat /proc/sys/kernel/random/boot_id");
  const imds = `e=$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest
    t=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $e/api/token)
    get() { curl -sf -H "X-aws-ec2-metadata-token: $t" $e/$1; echo; }`;
  expect(await ask(`${imds}\nget meta-data/instance-id; get meta-data/tags/instance/bootlace:purpose`)).toBe(
    `${id}\nbuild`,
  );
  expect(await ask(`${imds}\nt=wrong; get meta-data/instance-id`)).toBe("");
  await desk.api.rebootInstances({ InstanceIds: [id] });
  await ec2.settle();
  expect(await ask("cat /proc/sys/kernel/random/boot_id")).not.toBe(boot);
  expect(await desk.hostKeys(id)).toEqual(keys);
});

test.each([
  ["stop", "stopped"],
  ["terminate", "terminated"],
] as const)("poweroff inside an instance whose shutdown behaviour is %s leaves it %s", async (behaviour, state) => {
  const id = await desk.launch({ InstanceInitiatedShutdownBehavior: behaviour });
  const keys = await desk.hostKeys(id);
  // The connection ends with the machine.
  await desk.ssh(id, "poweroff", keys).catch(() => undefined);
  let found = await desk.describe(id);
  while (found.State?.Name === "running") found = await desk.describe(id);
  expect([found.State?.Name, found.StateReason?.Code]).toEqual([state, "Client.InstanceInitiatedShutdown"]);
});

test("reboot inside an instance boots it again, with the same host keys and another boot_id; it runs all the while", async () => {
  const id = await desk.launch();
  const keys = await desk.hostKeys(id);
  const boot = await desk.ssh(id, "cat /proc/sys/kernel/random/boot_id; echo x >/etc/kept", keys);
  const { machine } = ec2.state.instances.get(id) ?? {};
  await desk.ssh(id, "reboot", keys).catch(() => undefined);
  const states = new Set<string | undefined>();
  let after = boot;
  while (after === boot) {
    states.add((await desk.describe(id)).State?.Name);
    after = (await machine?.boot().catch(() => boot)) ?? "";
  }
  expect([...states]).toEqual(["running"]);
  expect(await desk.ssh(id, "cat /proc/sys/kernel/random/boot_id /etc/kept", keys)).toBe(`${after}\nx`);
});

test("an image that gives its key to another user refuses root and lets that user in, with sudo", async () => {
  const id = await desk.launch({ ImageId: ec2.amis.debian });
  const keys = await desk.hostKeys(id);
  expect(await desk.ssh(id, "sudo -n id -u", keys, "admin")).toBe("0");
  await expect(desk.ssh(id, "true", keys)).rejects.toMatchObject({
    stdout: expect.stringContaining('Please login as the user "admin"'),
  });
});

test("user data plants a host key, or is a script that runs once", async () => {
  const own = await desk.launch({ ImageId: ec2.amis.silent });
  const blank = await desk.console(own);
  expect(blank).toContain("Amazon EC2");
  expect(blank).not.toContain("HOST KEY");

  const donor = await desk.launch();
  const keys = await desk.hostKeys(donor);
  const secret = await desk.ssh(donor, "cat /etc/ssh/ssh_host_ed25519_key", keys);
  const line = keys.find((key) => key.startsWith("ssh-ed25519")) ?? "";
  const config = JSON.stringify({ ssh_keys: { ed25519_private: `${secret}\n`, ed25519_public: line } });
  const planted = await desk.launch({
    ImageId: ec2.amis.silent,
    UserData: Buffer.from(`#cloud-config\n${config}`).toString("base64"),
  });
  expect(await desk.ssh(planted, "echo in", [line])).toBe("in");

  const scripted = await desk.launch({ UserData: Buffer.from("#!/bin/sh\necho ran >>/etc/ran\n").toString("base64") });
  const others = await desk.hostKeys(scripted);
  while ((await desk.ssh(scripted, "cat /etc/ran 2>/dev/null || :", others)) !== "ran");
  await desk.api.rebootInstances({ InstanceIds: [scripted] });
  await ec2.settle();
  expect(await desk.ssh(scripted, "cat /etc/ran", others)).toBe("ran");
});

test("sshd answers only where a security group lets the caller in", async () => {
  const { api } = desk;
  const { GroupId = "" } = await api.createSecurityGroup({ GroupName: "closed", Description: "nobody yet" });
  const id = await desk.launch({ SecurityGroupIds: [GroupId] });
  const keys = await desk.hostKeys(id);
  const { PublicIpAddress = "" } = await desk.describe(id);
  const refused = await new Promise((resolve) =>
    connect(22, PublicIpAddress)
      .once("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .once("connect", () => resolve("connected")),
  );
  expect(refused).toBe("ECONNREFUSED");
  await api.authorizeSecurityGroupIngress({
    GroupId,
    IpPermissions: [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "127.0.0.0/8" }] }],
  });
  expect(await desk.ssh(id, "echo in", keys)).toBe("in");
});

test("an instance in the private subnet has no public address, and one that asks for IPv6 is reached by it", async () => {
  const { api } = desk;
  const { GroupId = "" } = await api.createSecurityGroup({ GroupName: "six", Description: "IPv6 alone" });
  await api.authorizeSecurityGroupIngress({
    GroupId,
    IpPermissions: [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, Ipv6Ranges: [{ CidrIpv6: "::1/128" }] }],
  });
  const id = await desk.launch({
    SubnetId: ec2.subnets.private,
    SecurityGroupIds: [GroupId],
    Ipv6AddressCount: 1,
  });
  expect(await desk.describe(id)).toMatchObject({ Ipv6Address: "::1" });
  expect((await desk.describe(id)).PublicIpAddress).toBeUndefined();
  expect(await desk.ssh(id, "echo in", await desk.hostKeys(id))).toBe("in");
});

test("a start after a stop gives another public address and keeps the private one and the disk", async () => {
  const id = await desk.launch();
  const keys = await desk.hostKeys(id);
  const before = await desk.describe(id);
  await desk.ssh(id, "echo x >/etc/kept", keys);
  await desk.api.stopInstances({ InstanceIds: [id] });
  await desk.until(id, "stopped");
  await desk.api.startInstances({ InstanceIds: [id] });
  const after = await desk.until(id, "running");
  expect(after.PrivateIpAddress).toBe(before.PrivateIpAddress);
  expect(after.PublicIpAddress).toMatch(/^127\./);
  expect(after.PublicIpAddress).not.toBe(before.PublicIpAddress);
  expect(await desk.ssh(id, "cat /etc/kept", keys)).toBe("x");
});

test("GetConsoleOutput without Latest is as old as the last change of state, and is there after the end", async () => {
  const { api } = desk;
  const id = await desk.launch();
  const keys = await desk.hostKeys(id);
  expect((await api.getConsoleOutput({ InstanceId: id })).Output).toBeUndefined();
  await api.stopInstances({ InstanceIds: [id] });
  await desk.until(id, "stopped");
  await api.terminateInstances({ InstanceIds: [id] });
  await ec2.settle();
  const { Output = "" } = await api.getConsoleOutput({ InstanceId: id });
  expect(Buffer.from(Output, "base64").toString()).toContain(`\r\n${keys[0]}\r\n`);
  const old = await desk.launch({ InstanceType: "t2.micro" });
  await expect(api.getConsoleOutput({ InstanceId: old, Latest: true })).rejects.toMatchObject({
    name: "UnsupportedOperation",
  });
});
