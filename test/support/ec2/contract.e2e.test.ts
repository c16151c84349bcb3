import { EC2 } from "@aws-sdk/client-ec2";
import { SSM } from "@aws-sdk/client-ssm";
import { describe } from "vitest";
import { testEc2Contract } from "./contract.ts";
import { clientOf } from "./desk.ts";
import { type Ec2, startEc2 } from "./start-ec2.ts";

let ec2: Ec2;
describe("on loopback", () =>
  testEc2Contract({
    name: "startEc2()",
    every: 20,
    async open() {
      ec2 = await startEc2();
      const { endpoint, region } = ec2;
      const credentials = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" };
      return {
        api: clientOf(ec2),
        ssm: new SSM({ endpoint, region, credentials }),
        parameter: "/aws/service/debian/release/12/latest/amd64",
        type: "t3.micro",
        armType: "t4g.micro",
      };
    },
    close: () => ec2.close(),
  }));

/** BOOTLACE_TEST_AWS=1 with credentials and a region of an account for tests: the same, asked of AWS. */
describe.skipIf(process.env.BOOTLACE_TEST_AWS !== "1")("on AWS", { timeout: 900_000 }, () =>
  testEc2Contract({
    name: "AWS",
    every: 5_000,
    async open() {
      return {
        api: new EC2({}),
        ssm: new SSM({}),
        parameter: "/aws/service/debian/release/12/latest/amd64",
        type: "t3.micro",
        armType: "t4g.micro",
      };
    },
    close: async () => {},
  }),
);
