import { ApiError } from "../protocol/api-error.ts";
import type { Region, WrittenParameter } from "../state.ts";

interface Asked {
  readonly Name?: string;
  readonly Names?: readonly string[];
  readonly Value?: string;
  readonly Type?: string;
  readonly DataType?: string;
  readonly Description?: string;
  readonly Overwrite?: boolean;
  readonly ParameterFilters?: readonly { readonly Key?: string; readonly Values?: readonly string[] }[];
}

/**
 * GetParameter, GetParameters, DescribeParameters by data type, PutParameter and GetParameterHistory of AWS Systems Manager, as JSON.
 *
 * @throws {ApiError} in SSM's own words.
 */
export function answerSsm(action: string, region: Region, body: string): object {
  const asked = JSON.parse(body) as Asked;
  const { Name: name = "" } = asked;
  if (action === "GetParameter") {
    const found = parameter(region, name);
    if (!found) throw new ApiError("ParameterNotFound", "");
    return { Parameter: found };
  }
  if (action === "GetParameters") {
    const names = asked.Names ?? [];
    return {
      Parameters: names.flatMap((each) => parameter(region, each) ?? []),
      InvalidParameters: names.filter((each) => !parameter(region, each)),
    };
  }
  if (action === "DescribeParameters") {
    const wanted = asked.ParameterFilters ?? [];
    if (wanted.some(({ Key }) => Key !== "DataType"))
      throw new ApiError("InvalidFilterKey", "Filters other than DataType are not built into this endpoint");
    const types = wanted.flatMap(({ Values = [] }) => Values);
    const own = [...region.written].flatMap(([name, versions]) => {
      const newest = versions.at(-1);
      return newest && (types.length === 0 || types.includes(newest.dataType))
        ? [{ Name: name, DataType: newest.dataType, Version: versions.length }]
        : [];
    });
    return { Parameters: own };
  }
  if (action === "PutParameter") return put(region, name, asked);
  if (action === "GetParameterHistory") {
    const versions = region.written.get(name);
    if (!versions) throw new ApiError("ParameterNotFound", "");
    return {
      Parameters: versions.map((each, at) => {
        const { ARN: _arn, ...row } = shown(region, name, each, at + 1);
        return { ...row, Description: each.description };
      }),
    };
  }
  throw new ApiError("UnknownOperationException", action);
}

/** A value of `aws:ec2:image` is looked at after the answer: one that is no AMI of the region never becomes a version. */
function put(
  region: Region,
  name: string,
  { Value: value = "", Type: type, DataType, Description, Overwrite }: Asked,
): object {
  if (/^\/?(aws|ssm)/i.test(name))
    throw new ApiError("ValidationException", `No access to reserved parameter name: ${name}.`);
  const versions = region.written.get(name) ?? [];
  if (versions.length > 0 && !Overwrite)
    throw new ApiError(
      "ParameterAlreadyExists",
      "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    );
  const kind = type ?? versions.at(-1)?.type;
  if (kind === undefined)
    throw new ApiError("ValidationException", "A parameter type is required when you create a parameter.");
  const dataType = DataType ?? "text";
  if (dataType !== "aws:ec2:image" || region.images.has(value)) {
    versions.push({ value, description: Description, type: kind, dataType, at: Date.now() / 1000 });
    region.written.set(name, versions);
    return { Version: versions.length, Tier: "Standard" };
  }
  return { Version: versions.length + 1, Tier: "Standard" };
}

const shown = (region: Region, name: string, { value, type, dataType, at }: WrittenParameter, version: number) => ({
  Name: name,
  Type: type,
  Value: value,
  Version: version,
  LastModifiedDate: at,
  DataType: dataType,
  ARN: `arn:aws:ssm:${region.name}:111122223333:parameter${name}`,
});

function parameter(region: Region, name: string): object | undefined {
  const versions = region.written.get(name);
  const newest = versions?.at(-1);
  if (versions && newest) return shown(region, name, newest, versions.length);
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
