import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesOf } from "../../../../src/machine/ec2/ec2-spec.ts";
import type { Base, Provider } from "../../../../src/machine/machine.ts";
import { makeSshKey } from "../../../../src/session/ssh-key.ts";
import { testProvider } from "../provider-contract.ts";
import { type Ec2Rig, openEc2Rig } from "./rig.ts";

let rig: Ec2Rig;
beforeAll(async () => {
  rig = await openEc2Rig();
});
afterAll(async () => {
  await rig?.close();
});

/** The desk keeps the host keys that it learnt at the first contact. */
const forgeHostKey = async (dir: string, name: string) => {
  const file = filesOf(dir, name).known;
  const own = readFileSync(file, "utf8");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(own), hostKeys: [makeSshKey("another machine").public] }));
  return async () => writeFileSync(file, own);
};

const base: Base = { kind: "ami", which: { name: "plain-x86_64-*", owner: "136693071363" } };
/** Nobody knows who logs in to this AMI unless it is said. */
const make = async (): Promise<Provider> => ({
  ...rig.provider,
  launch: (spec, signal) => rig.provider.launch({ ...spec, hardware: { login: "root" } }, signal),
});
describe("the contract", () => testProvider({ name: "ec2", make, base, forgeHostKey, within: 120_000 }));

test("nothing is left in the account after the contract's machines but their AMIs", async () => {
  await rig.ec2.settle();
  expect(rig.ec2.leftovers().filter((what) => !/^(ami|snap)-/.test(what))).toEqual([]);
});
