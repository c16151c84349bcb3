import { SSM } from "@aws-sdk/client-ssm";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { clientOf, Desk } from "./desk.ts";
import { type Ec2, startEc2 } from "./start-ec2.ts";

let ec2: Ec2;
let desk: Desk;
beforeAll(async () => {
  ec2 = await startEc2({ credentials: [KEY, OLD] });
  desk = new Desk(clientOf(ec2), ec2.amis.root);
});
afterEach(() => ec2.behave());
afterAll(async () => {
  desk?.close();
  await ec2?.close();
});

const KEY = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" };
const OLD = { ...KEY, accessKeyId: "ASIAOLDOLDOLDOLDOLD1", sessionToken: "old", expired: true };
const regions = () => desk.api.describeRegions({});

test("misbehave() throttles as many requests as it was told to, and the SDK goes on after them", async () => {
  ec2.misbehave({ action: "DescribeRegions", fault: { kind: "throttle" }, times: 2 });
  await expect(regions()).rejects.toMatchObject({ name: "RequestLimitExceeded", $metadata: { httpStatusCode: 503 } });
  const patient = clientOf(ec2, { maxAttempts: 3 });
  expect((await patient.describeRegions({})).Regions?.length).toBe(3);
  patient.destroy();
});

test("a denied action tells of IAM's reason in an encoded message", async () => {
  ec2.misbehave({ action: "DescribeRegions", fault: { kind: "denied" } });
  await expect(regions()).rejects.toMatchObject({
    name: "UnauthorizedOperation",
    message: expect.stringMatching(/ec2:DescribeRegions.*Encoded authorization failure message: [\w-]+/),
  });
});

test("wrong, unknown and expired credentials are refused in EC2's words and in SSM's", async () => {
  const codes = async (credentials: typeof KEY) => {
    const more = { credentials, maxAttempts: 1 };
    const ssm = new SSM({ endpoint: ec2.endpoint, region: ec2.region, ...KEY_LESS, ...more });
    const code = (error: Error) => error.name;
    return [
      await clientOf(ec2, more).describeRegions({}).catch(code),
      await ssm.getParameter({ Name: "/x" }).catch(code),
    ];
  };
  expect(await codes({ ...KEY, secretAccessKey: "another" })).toEqual(["AuthFailure", "InvalidSignatureException"]);
  expect(await codes({ ...KEY, accessKeyId: "AKIAUNKNOWN" })).toEqual(["AuthFailure", "UnrecognizedClientException"]);
  expect(await codes(OLD)).toEqual(["RequestExpired", "ExpiredTokenException"]);
});
const KEY_LESS = { logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} } };

test("a lost answer is lost after the work was done, and a client token finds it again", async () => {
  ec2.misbehave({ action: "RunInstances", fault: { kind: "mute" } });
  const asked = {
    ImageId: ec2.amis.root,
    InstanceType: "t3.micro" as const,
    MinCount: 1,
    MaxCount: 1,
    ClientToken: "lost",
  };
  const before = ec2.state.instances.size;
  await expect(desk.api.runInstances(asked)).rejects.toThrow();
  expect(ec2.state.instances.size).toBe(before + 1);
  const { Instances } = await desk.api.runInstances(asked);
  expect([...ec2.state.instances.keys()]).toContain(Instances?.[0]?.InstanceId);
  expect(ec2.state.instances.size).toBe(before + 1);
});

test("an instance can be not found, then pending, and its console empty for a while", async () => {
  const id = await desk.launch();
  const keys = await desk.hostKeys(id);
  ec2.misbehave({ action: "DescribeInstances", fault: { kind: "missing" } });
  ec2.misbehave({ action: "DescribeInstances", fault: { kind: "pending" } });
  ec2.misbehave({ action: "GetConsoleOutput", fault: { kind: "empty" }, times: 2 });
  await expect(desk.describe(id)).rejects.toMatchObject({ name: "InvalidInstanceID.NotFound" });
  expect((await desk.describe(id)).State?.Name).toBe("pending");
  expect((await desk.describe(id)).State?.Name).toBe("running");
  expect([await desk.console(id), await desk.console(id)]).toEqual(["", ""]);
  expect(await desk.hostKeys(id)).toEqual(keys);
});

test("capacity runs out for one instance type, and is there for the next", async () => {
  ec2.misbehave({
    action: "RunInstances",
    where: { InstanceType: "t3.micro" },
    fault: { kind: "error", code: "InsufficientInstanceCapacity", status: 500 },
    times: 5,
  });
  await expect(desk.launch()).rejects.toMatchObject({ name: "InsufficientInstanceCapacity" });
  expect(await desk.launch({ InstanceType: "t3.small" })).toMatch(/^i-[0-9a-f]{17}$/);
});

test("a snapshot that fails makes a failed AMI with a reason", async () => {
  const id = await desk.launch();
  await desk.api.stopInstances({ InstanceIds: [id] });
  await desk.until(id, "stopped");
  ec2.misbehave({ action: "CreateImage", fault: { kind: "fail", message: "no room" } });
  const { ImageId = "" } = await desk.api.createImage({ InstanceId: id, Name: "fails" });
  await ec2.settle();
  const [image] = (await desk.api.describeImages({ ImageIds: [ImageId] })).Images ?? [];
  expect(image).toMatchObject({ State: "failed", StateReason: { Message: "no room" } });
  await expect(desk.launch({ ImageId })).rejects.toMatchObject({ name: "InvalidAMIID.Unavailable" });
});

test("a request can be held until the test lets it go on", async () => {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrived = () => {};
  const came = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  ec2.misbehave({
    action: "DescribeRegions",
    fault: {
      kind: "hold",
      open: () => {
        arrived();
        return gate;
      },
    },
  });
  const asked = regions();
  await came;
  open();
  expect((await asked).Regions?.length).toBe(3);
});

test("calls lists what was asked for, with the code of what was refused", async () => {
  const from = ec2.calls.length;
  await desk.api.describeKeyPairs({ KeyNames: ["nobody"] }).catch(() => {});
  expect(ec2.calls.slice(from)).toEqual([
    {
      service: "ec2",
      action: "DescribeKeyPairs",
      region: "eu-west-1",
      input: { KeyNames: ["nobody"] },
      error: "InvalidKeyPair.NotFound",
    },
  ]);
});

test("a one-time spot instance cannot be stopped, and a copy of an AMI lies in the region that asked for it", async () => {
  const spot = await desk.launch({ InstanceMarketOptions: { MarketType: "spot" } });
  await expect(desk.api.stopInstances({ InstanceIds: [spot] })).rejects.toMatchObject({ name: "UnsupportedOperation" });

  const id = await desk.launch();
  await desk.api.stopInstances({ InstanceIds: [id] });
  await desk.until(id, "stopped");
  const { ImageId } = await desk.api.createImage({ InstanceId: id, Name: "to-copy" });
  await ec2.settle();
  const there = clientOf({ endpoint: ec2.endpoint, region: "eu-central-1" });
  const copy = await there.copyImage({
    SourceImageId: ImageId,
    SourceRegion: "eu-west-1",
    Name: "copied",
    Encrypted: true,
    KmsKeyId: "alias/x",
  });
  const [found] = (await there.describeImages({ Owners: ["self"] })).Images ?? [];
  expect(found).toMatchObject({ ImageId: copy.ImageId, Name: "copied", SourceImageRegion: "eu-west-1" });
  await expect(desk.api.describeImages({ ImageIds: [copy.ImageId ?? ""] })).rejects.toMatchObject({
    name: "InvalidAMIID.NotFound",
  });
  there.destroy();
});

test("a parameter that has no effect here fails the request, and close()", async () => {
  const other = await startEc2();
  const api = clientOf(other);
  await expect(api.describeRegions({ AllRegions: true })).rejects.toMatchObject({ name: "InternalError" });
  await expect(other.close()).rejects.toThrow("DescribeRegions was asked for AllRegions");
  api.destroy();
});
