import { ApiError } from "../protocol/api-error.ts";
import type { Region } from "../state.ts";

/** GetParameter and GetParameters of AWS Systems Manager, as JSON. @throws {ApiError} in SSM's own words. */
export function answerSsm(action: string, region: Region, body: string): object {
  const asked = JSON.parse(body) as { Name?: string; Names?: readonly string[] };
  if (action === "GetParameter") {
    const found = parameter(region, asked.Name ?? "");
    if (!found) throw new ApiError("ParameterNotFound", "");
    return { Parameter: found };
  }
  if (action === "GetParameters") {
    const names = asked.Names ?? [];
    return {
      Parameters: names.flatMap((name) => parameter(region, name) ?? []),
      InvalidParameters: names.filter((name) => !parameter(region, name)),
    };
  }
  throw new ApiError("UnknownOperationException", action);
}

function parameter(region: Region, name: string): object | undefined {
  const value = region.parameters.get(name);
  if (value === undefined) return undefined;
  const owner = name.startsWith("/aws/") ? "" : "111122223333";
  return {
    Name: name,
    Type: "String",
    Value: value,
    Version: 1,
    LastModifiedDate: 1_790_000_000,
    ARN: `arn:aws:ssm:${region.name}:${owner}:parameter${name}`,
    DataType: value.startsWith("ami-") ? "aws:ec2:image" : "text",
  };
}
