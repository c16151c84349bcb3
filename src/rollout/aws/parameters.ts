import type { SSM } from "@aws-sdk/client-ssm";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "../../machine/ec2/ec2-errors.ts";
import { waitFor } from "../../machine/ec2/wait.ts";

/** A value that a parameter has, or had. */
export interface ParameterVersion {
  readonly number: number;
  readonly value: string;
  readonly description: string | undefined;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** SSM looks at an AMI's id after its answer; milliseconds. */
const TAKEN_WITHIN = 120_000;

/** Undefined for a parameter that is not there. */
export async function currentParameter(api: SSM, name: string): Promise<ParameterVersion | undefined> {
  try {
    const { Parameter } = await api.getParameter({ Name: name });
    if (Parameter?.Value === undefined) return undefined;
    const { Version = 0, Value, LastModifiedDate } = Parameter;
    return { number: Version, value: Value, description: undefined, created: LastModifiedDate?.getTime() ?? 0 };
  } catch (error) {
    if (awsCode(error) === "ParameterNotFound") return undefined;
    throw error;
  }
}

/** What SSM keeps of a parameter's values, the newest first: at most a hundred. */
export async function parameterHistory(api: SSM, name: string): Promise<readonly ParameterVersion[]> {
  const all: ParameterVersion[] = [];
  let NextToken: string | undefined;
  do {
    const page = await api.getParameterHistory({ Name: name, ...(NextToken && { NextToken }) }).catch((error) => {
      if (awsCode(error) === "ParameterNotFound") return { Parameters: [], NextToken: undefined };
      throw error;
    });
    for (const { Version = 0, Value = "", Description, LastModifiedDate } of page.Parameters ?? [])
      all.push({ number: Version, value: Value, description: Description, created: LastModifiedDate?.getTime() ?? 0 });
    NextToken = page.NextToken || undefined;
  } while (NextToken);
  return all.sort((one, other) => other.number - one.number);
}

/**
 * Writes an AMI's id as a new version of a parameter, and waits until it stands: a value of the type `aws:ec2:image` is
 * checked after SSM has answered ("Native parameter support for AMI IDs", Systems Manager User Guide).
 *
 * @throws {BootlaceError} `E_ROLLOUT_IMAGE` when SSM drops it.
 */
export async function writeParameter(
  api: SSM,
  name: string,
  { ami, description }: { readonly ami: string; readonly description: string },
  { every, signal }: { readonly every: number; readonly signal: AbortSignal },
): Promise<number> {
  const { Version = 0 } = await api.putParameter({
    Name: name,
    Value: ami,
    Type: "String",
    DataType: "aws:ec2:image",
    Description: description,
    Overwrite: true,
  });
  const taken = async () => {
    const now = await currentParameter(api, name);
    return now && now.number >= Version && now.value === ami ? now.number : undefined;
  };
  return waitFor(taken, {
    within: TAKEN_WITHIN,
    every,
    signal,
    late: () =>
      new BootlaceError("E_ROLLOUT_IMAGE", `SSM did not take ${ami} for the parameter ${name}`, {
        hint: "Parameters of the type aws:ec2:image hold AMIs that this account may launch in that region.",
      }),
  });
}
