import type { IncomingHttpHeaders } from "node:http";
import { ACCOUNT, type Region, type StoredInstance } from "../state.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What an instance with a profile signs with. */
export const ROLE_KEY = {
  accessKeyId: "ASIAROLEROLEROLEROLE",
  secretAccessKey: "role/secret+of=a/test",
  sessionToken: "IQoJb3JpZ2luX2VjROLE//token+of/a=test==",
};

const PATH = /^\/imds\/([a-z0-9-]+)\/(i-[0-9a-f]+)(\/.*)$/;
const token = (id: string): string => `AQAEA-${id}==`;

/**
 * An instance's metadata service under a path of its own, because sandboxes share the link-local address: what
 * AWS_EC2_METADATA_SERVICE_ENDPOINT names there. Version 1 only where the instance's options let it.
 */
export function answerImds(
  regions: ReadonlyMap<string, Region>,
  method: string,
  url: string,
  headers: IncomingHttpHeaders,
): Answer {
  const [, where = "", id = "", path = ""] = PATH.exec(url) ?? [];
  const region = regions.get(where);
  const instance = region?.instances.get(id);
  if (!region || !instance) return { status: 404, body: "" };
  const options = instance.api.MetadataOptions ?? {};
  if (options.HttpEndpoint === "disabled") return { status: 403, body: "" };
  if (path === "/latest/api/token") {
    const life = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
    if (method !== "PUT") return { status: 405, body: "" };
    return life >= 1 && life <= 21_600 ? { status: 200, body: token(id) } : { status: 400, body: "" };
  }
  const given = headers["x-aws-ec2-metadata-token"];
  if (given === undefined ? options.HttpTokens === "required" : given !== token(id)) return { status: 401, body: "" };
  const found = read(region, instance, path);
  return found === undefined ? { status: 404, body: "" } : { status: 200, body: found };
}

function read(region: Region, { id, api, request }: StoredInstance, path: string): string | undefined {
  const tags = "/latest/meta-data/tags/instance/";
  if (path.startsWith(tags)) {
    if (api.MetadataOptions?.InstanceMetadataTags !== "enabled") return undefined;
    const own = region.tags.of(id);
    const key = decodeURIComponent(path.slice(tags.length));
    return key === "" ? own.map(({ Key }) => Key).join("\n") : own.find(({ Key }) => Key === key)?.Value;
  }
  const identity = {
    accountId: ACCOUNT,
    architecture: api.Architecture,
    availabilityZone: api.Placement?.AvailabilityZone,
    imageId: api.ImageId,
    instanceId: id,
    instanceType: api.InstanceType,
    privateIp: api.PrivateIpAddress,
    region: region.name,
  };
  const known: Readonly<Record<string, string | undefined>> = {
    "/latest/meta-data/instance-id": id,
    "/latest/meta-data/ami-id": api.ImageId,
    "/latest/meta-data/instance-type": api.InstanceType,
    "/latest/meta-data/local-ipv4": api.PrivateIpAddress,
    "/latest/meta-data/public-ipv4": api.PublicIpAddress,
    "/latest/meta-data/hostname": api.PrivateDnsName,
    "/latest/meta-data/local-hostname": api.PrivateDnsName,
    "/latest/meta-data/placement/region": region.name,
    "/latest/meta-data/placement/availability-zone": api.Placement?.AvailabilityZone,
    "/latest/meta-data/instance-life-cycle": api.InstanceLifecycle ?? "on-demand",
    "/latest/meta-data/services/domain": "amazonaws.com",
    "/latest/meta-data/autoscaling/target-lifecycle-state": targetState(region, id),
    ...(request.IamInstanceProfile ? roleDocuments() : {}),
    "/latest/dynamic/instance-identity/document": JSON.stringify(identity, null, 2),
    "/latest/user-data":
      request.UserData === undefined ? undefined : Buffer.from(request.UserData, "base64").toString(),
  };
  return known[path];
}

/** Of an instance that no group has there is none; an instance keeps the last one. */
function targetState(region: Region, id: string): string | undefined {
  const member = [...region.scaling.values()].flatMap(({ members }) => members).find((each) => each.id === id);
  if (!member) return undefined;
  return member.state === "Terminating" ? "Terminated" : "InService";
}

function roleDocuments(): Readonly<Record<string, string>> {
  const path = "/latest/meta-data/iam/security-credentials/";
  const { accessKeyId, secretAccessKey, sessionToken } = ROLE_KEY;
  const document = {
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
  };
  return { [path]: "instance-role", [`${path}instance-role`]: JSON.stringify(document, null, 2) };
}
