import { describe, expect, test } from "vitest";
import { awsCode, ec2Failure } from "../../../../src/machine/ec2/ec2-errors.ts";
import type { Ec2Spec } from "../../../../src/machine/ec2/ec2-spec.ts";
import { isLeftover } from "../../../../src/machine/ec2/leftovers.ts";
import { loginOf } from "../../../../src/machine/ec2/login-of.ts";
import { amiName } from "../../../../src/machine/ec2/plan-instance.ts";
import { runRequest } from "../../../../src/machine/ec2/run-request.ts";
import { imageTags, machineTags, TAG, tagOf } from "../../../../src/machine/ec2/tags.ts";
import { waitFor } from "../../../../src/machine/ec2/wait.ts";
import { BootlaceError } from "../../../../stage2/index.ts";

const AMI = {
  id: "ami-0123456789abcdef0",
  name: "debian-12",
  architecture: "x86_64",
  rootDevice: "/dev/xvda",
  owner: "136693071363",
  alias: "",
} as const;
const spec = (more: Partial<Ec2Spec> = {}): Ec2Spec => ({
  provider: "ec2",
  name: "build-web-1",
  token: "0123456789abcdef0123456789abcdef",
  project: "shop",
  purpose: "build",
  region: "eu-west-1",
  ami: AMI,
  login: "admin",
  config: {},
  types: ["t3.small"],
  subnets: ["subnet-1"],
  vpc: "vpc-1",
  groups: [],
  openTo: ["203.0.113.7/32"],
  imageName: "shop-web-1",
  ...more,
});
const attempt = { type: "t3.small", subnet: "subnet-1", groups: ["sg-1"], round: 0 };
const sdkError = (name: string, message = "", status?: number): Error =>
  Object.assign(new Error(message), {
    name,
    ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }),
  });
const failure = (name: string, message?: string, status: number | undefined = 400) =>
  ec2Failure(sdkError(name, message, status), "ec2:RunInstances", "eu-west-1");

describe("runRequest()", () => {
  test("asks for IMDSv2 alone, tags shown there, and a token for each combination of type and subnet", () => {
    const request = runRequest(spec(), attempt);
    expect(request.MetadataOptions).toEqual({
      HttpEndpoint: "enabled",
      HttpTokens: "required",
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: "enabled",
    });
    expect(request.ClientToken).not.toBe(runRequest(spec(), { ...attempt, round: 1 }).ClientToken);
    expect(request.ClientToken?.length).toBeLessThanOrEqual(64);
    expect(request).not.toHaveProperty("UserData");
  });

  test("a builder terminates on shutdown and is never a spot instance; a smoke test's machine is as its image has it", () => {
    const spot = { config: { spot: true } };
    expect(runRequest(spec(spot), attempt)).toMatchObject({ InstanceInitiatedShutdownBehavior: "terminate" });
    expect(runRequest(spec(spot), attempt)).not.toHaveProperty("InstanceMarketOptions");
    expect(runRequest(spec({ ...spot, purpose: "smoke" }), attempt)).not.toHaveProperty(
      "InstanceInitiatedShutdownBehavior",
    );
    expect(runRequest(spec({ ...spot, purpose: "run" }), attempt)).toMatchObject({
      InstanceMarketOptions: { MarketType: "spot" },
    });
  });

  test("a volume's size is rounded up to whole GiB, and a key means encryption", () => {
    const volume = { size: 10.5 * 1024 ** 3, kmsKey: "alias/disks" };
    expect(runRequest(spec({ config: { volume } }), attempt).BlockDeviceMappings).toEqual([
      {
        DeviceName: "/dev/xvda",
        Ebs: { DeleteOnTermination: true, VolumeSize: 11, Encrypted: true, KmsKeyId: "alias/disks" },
      },
    ]);
  });
});

describe("machineTags()", () => {
  test("names project, machine and purpose; a build's also build and expiry, which the project's own tags cannot hide", () => {
    const build = { id: "build-web-1", expires: Date.UTC(2026, 10, 21, 1) };
    const tags = machineTags(spec({ build, config: { tags: { team: "web", [TAG.expires]: "2099-01-01" } } }));
    expect(Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]))).toMatchObject({
      Name: "shop build-web-1",
      team: "web",
      "bootlace:project": "shop",
      "bootlace:purpose": "build",
      "bootlace:build": "build-web-1",
      "bootlace:expires": "2026-11-21T01:00:00.000Z",
    });
    expect(tagOf(machineTags(spec({ purpose: "run" })), TAG.build)).toBe("");
    expect(tagOf(imageTags(spec({ build })), TAG.state)).toBe("building");
  });
});

test("isLeftover() takes what expired and what is of a build that is over, and nothing of a living build or that no build made", () => {
  const tags = (build: string, expires: string) => [
    { Key: TAG.build, Value: build },
    { Key: TAG.expires, Value: expires },
  ];
  const at = { now: Date.UTC(2026, 0, 2), builds: { over: ["build-dead-1"], living: ["build-long-1"] } };
  expect(isLeftover(tags("build-web-1", "2026-01-01T00:00:00.000Z"), at)).toBe(true);
  expect(isLeftover(tags("build-web-1", "2026-01-03T00:00:00.000Z"), at)).toBe(false);
  expect(isLeftover(tags("build-dead-1", "2026-01-03T00:00:00.000Z"), at)).toBe(true);
  expect(isLeftover(tags("build-long-1", "2026-01-01T00:00:00.000Z"), at)).toBe(false);
  expect(isLeftover(tags("build-web-1", "whenever"), at)).toBe(false);
  expect(isLeftover([{ Key: TAG.expires, Value: "2026-01-01T00:00:00.000Z" }], at)).toBe(false);
  expect(isLeftover(undefined, at)).toBe(false);
});

test("amiName() fills in the template and refuses what no AMI can be called", () => {
  const values = { project: "shop", image: "web", id: "2026", arch: "arm64" };
  expect(amiName(undefined, values)).toBe("shop-web-2026");
  expect(amiName("golden/{image} ({arch}) {id}", values)).toBe("golden/web (arm64) 2026");
  for (const bad of ["{nobody}", "a", "x".repeat(129)])
    expect(() => amiName(bad, values)).toThrow(expect.objectContaining({ code: "E_EC2_IMAGE" }));
});

test("loginOf() knows distributors by account and name, believes what is asked, and guesses nothing", () => {
  expect(loginOf(AMI, undefined)).toBe("admin");
  expect(loginOf({ ...AMI, owner: "1", alias: "amazon", name: "al2023-ami-2023.9" }, undefined)).toBe("ec2-user");
  expect(loginOf({ ...AMI, owner: "1" }, "root")).toBe("root");
  expect(() => loginOf({ ...AMI, owner: "123456789012" }, undefined)).toThrow(
    expect.objectContaining({ code: "E_EC2_BASE" }),
  );
});

describe("ec2Failure()", () => {
  test.each([
    ["CredentialsProviderError", "E_AWS_CREDENTIALS"],
    ["RequestExpired", "E_AWS_CREDENTIALS"],
    ["AuthFailure", "E_AWS_CREDENTIALS"],
    ["OptInRequired", "E_AWS_REGION"],
    ["InsufficientInstanceCapacity", "E_EC2_CAPACITY"],
    ["VcpuLimitExceeded", "E_EC2_QUOTA"],
    ["MaxSpotInstanceCountExceeded", "E_EC2_QUOTA"],
    ["RequestLimitExceeded", "E_AWS_UNREACHABLE"],
    ["InvalidParameterValue", "E_EC2"],
  ])("tells %s as %s with a remedy, and keeps the name for whoever acts on it", (name, code) => {
    const told = failure(name);
    expect(told).toMatchObject({ code, hint: expect.stringMatching(/\w/) });
    expect(awsCode(told)).toBe(name);
  });

  test("names the right that is missing and keeps the encoded message whole", () => {
    const message = `You are not authorized to perform this operation. Encoded authorization failure message: ${"aB3-".repeat(400)}`;
    const told = failure("UnauthorizedOperation", message, 403);
    expect(told).toMatchObject({ code: "E_AWS_DENIED", hint: expect.stringContaining("decode-authorization-message") });
    expect((told as Error).message).toContain("ec2:RunInstances");
    expect((told as Error).message).toContain("aB3-".repeat(400));
  });

  test("a network error names the region, a 500 is told apart, an interruption stays one", () => {
    const lost = Object.assign(sdkError("Error", "getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    expect(ec2Failure(lost, "ec2:RunInstances", "eu-wst-1")).toMatchObject({
      code: "E_AWS_UNREACHABLE",
      hint: expect.stringContaining("Is eu-wst-1 a region?"),
    });
    expect(failure("InternalError", "", 500)).toMatchObject({ code: "E_AWS_UNREACHABLE" });
    const aborted = sdkError("AbortError");
    expect(ec2Failure(aborted, "ec2:RunInstances", "eu-west-1")).toBe(aborted);
  });
});

test("waitFor() goes on over an outage where the look changes nothing, and ends with it elsewhere", async () => {
  const outage = new BootlaceError("E_AWS_UNREACHABLE", "EC2 did not answer");
  const wait = (overOutages: boolean) => {
    const answers = [outage, undefined, outage, "there"];
    const look = async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return waitFor(look, { within: 60_000, every: 1, overOutages, late: () => new Error("late") });
  };
  await expect(wait(true)).resolves.toBe("there");
  await expect(wait(false)).rejects.toBe(outage);
});
