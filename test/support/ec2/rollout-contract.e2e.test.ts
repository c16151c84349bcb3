import { AutoScaling } from "@aws-sdk/client-auto-scaling";
import { EC2 } from "@aws-sdk/client-ec2";
import { SSM } from "@aws-sdk/client-ssm";
import { describe } from "vitest";
import { clientOf } from "./desk.ts";
import { testRolloutContract } from "./rollout-contract.ts";
import { type Ec2, startEc2 } from "./start-ec2.ts";

let ec2: Ec2;
describe("on loopback", () =>
  testRolloutContract({
    name: "startEc2()",
    every: 20,
    async open() {
      ec2 = await startEc2();
      const { endpoint, region } = ec2;
      const credentials = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" };
      const given = { endpoint, region, credentials };
      return { api: clientOf(ec2), scaling: new AutoScaling(given), ssm: new SSM(given) };
    },
    close: () => ec2.close(),
  }));

/** BOOTLACE_TEST_AWS=1 with credentials and a region of an account for tests: the same, asked of AWS. */
describe.skipIf(process.env.BOOTLACE_TEST_AWS !== "1")("on AWS", { timeout: 900_000 }, () =>
  testRolloutContract({
    name: "AWS",
    every: 5_000,
    open: async () => ({ api: new EC2({}), scaling: new AutoScaling({}), ssm: new SSM({}) }),
    close: async () => {},
  }),
);
