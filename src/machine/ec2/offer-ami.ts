import type { EC2, LaunchPermission } from "@aws-sdk/client-ec2";
import type { ImageEc2Config } from "../../manifest/ec2-schema.ts";
import type { Origin } from "../machine.ts";
import { ec2Client } from "./ec2-client.ts";

/**
 * Says who may use an AMI, until when it should be used, and that nobody deregisters it by mistake, as bootlace.yaml has
 * it. What is so already is not asked for again; nothing that somebody else allowed is taken back.
 *
 * @param created of the image, in milliseconds since 1970: its time runs from there.
 */
export async function offerAmi(
  { ami = "", region }: Origin,
  { share, deprecateAfter, protect }: ImageEc2Config,
  created: number,
): Promise<void> {
  if (share === undefined && deprecateAfter === undefined && protect !== true) return;
  const api = await ec2Client(region);
  const [image] = (await api.describeImages({ ImageIds: [ami] })).Images ?? [];
  if (share) await shareAmi(api, ami, share);
  const at = new Date(created + (deprecateAfter ?? 0));
  // EC2 takes no time that is over, and rounds to minutes.
  if (deprecateAfter !== undefined && at.getTime() > Date.now() && !isNear(image?.DeprecationTime, at))
    await api.enableImageDeprecation({ ImageId: ami, DeprecateAt: at });
  if (protect === true && !/^enabled/.test(image?.DeregistrationProtection ?? ""))
    await api.enableImageDeregistrationProtection({ ImageId: ami });
}

const isNear = (set: string | undefined, at: Date): boolean =>
  set !== undefined && Math.abs(Date.parse(set) - at.getTime()) <= 60_000;

async function shareAmi(
  api: EC2,
  ami: string,
  { accounts = [], organizations = [], units = [] }: NonNullable<ImageEc2Config["share"]>,
): Promise<void> {
  const { LaunchPermissions: there = [] } = await api.describeImageAttribute({
    ImageId: ami,
    Attribute: "launchPermission",
  });
  const has = new Set(
    there.flatMap(({ UserId, OrganizationArn, OrganizationalUnitArn }) => [
      UserId,
      OrganizationArn,
      OrganizationalUnitArn,
    ]),
  );
  const Add: LaunchPermission[] = [
    ...accounts.map((UserId) => ({ UserId })),
    ...organizations.map((OrganizationArn) => ({ OrganizationArn })),
    ...units.map((OrganizationalUnitArn) => ({ OrganizationalUnitArn })),
  ].filter((permission) => !has.has(Object.values(permission)[0]));
  if (Add.length > 0) await api.modifyImageAttribute({ ImageId: ami, LaunchPermission: { Add } });
}
