import { BootlaceError } from "../../stage2/index.ts";
import { ec2Client } from "../machine/ec2/ec2-client.ts";

/**
 * The region that `rollout` and `rollback` act in: the command line's, the project's, else what the SDK finds.
 * Undefined: nobody names one.
 */
export async function regionOf(option: unknown, project: string | undefined): Promise<string | undefined> {
  if (typeof option === "string") return option;
  if (project !== undefined) return project;
  try {
    return await (await ec2Client(undefined)).config.region();
  } catch (error) {
    if (error instanceof BootlaceError && error.code === "E_AWS_REGION") return undefined;
    throw error;
  }
}

/** What a printed command needs at its end to act in that region: ` --region eu-west-1`, or nothing where it is the project's. */
export const regionFlag = (region: string | undefined, project: string | undefined): string =>
  region === undefined || region === project ? "" : ` --region ${region}`;
