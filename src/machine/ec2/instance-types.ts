import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "./ec2-errors.ts";
import type { AmiNotes } from "./ec2-spec.ts";

const DEFAULT = { x86_64: "t3.small", arm64: "t4g.small" } as const;

/**
 * The types to try, in order, each of which is there and has the architecture.
 *
 * @throws {BootlaceError} `E_EC2_TYPE`.
 */
export async function checkedTypes(
  api: EC2,
  asked: readonly string[] | undefined,
  arch: AmiNotes["architecture"],
): Promise<readonly string[]> {
  const types = asked && asked.length > 0 ? asked : [DEFAULT[arch]];
  for (const type of types) {
    const archs = await archsOf(api, type);
    if (!archs.includes(arch))
      throw new BootlaceError("E_EC2_TYPE", `The instance type ${type} is ${archs.join(" and ")}, expected ${arch}`, {
        hint: `Name a type of ${arch} under \`ec2.type\`, such as ${DEFAULT[arch]}, or another \`arch:\`.`,
      });
  }
  return types;
}

async function archsOf(api: EC2, type: string): Promise<readonly string[]> {
  try {
    const { InstanceTypes = [] } = await api.describeInstanceTypes({ InstanceTypes: [type as "t3.small"] });
    const [found] = InstanceTypes;
    if (found) return found.ProcessorInfo?.SupportedArchitectures ?? [];
  } catch (error) {
    if (!/^InvalidInstanceType/.test(awsCode(error))) throw error;
  }
  throw new BootlaceError("E_EC2_TYPE", `There is no instance type ${type} in ${await api.config.region()}`);
}
