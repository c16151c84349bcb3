import type { EC2, Image } from "@aws-sdk/client-ec2";
import { awsCode } from "../../machine/ec2/ec2-errors.ts";

/** Undefined for one that is gone. */
export async function findAmi(api: EC2, id: string): Promise<Image | undefined> {
  try {
    return (await api.describeImages({ ImageIds: [id] })).Images?.[0];
  } catch (error) {
    if (/^InvalidAMIID\./.test(awsCode(error))) return undefined;
    throw error;
  }
}
