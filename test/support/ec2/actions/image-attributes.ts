import type {
  DescribeImageAttributeRequest,
  DisableImageDeprecationRequest,
  DisableImageDeprecationResult,
  DisableImageDeregistrationProtectionRequest,
  DisableImageDeregistrationProtectionResult,
  EnableImageDeprecationRequest,
  EnableImageDeprecationResult,
  EnableImageDeregistrationProtectionRequest,
  EnableImageDeregistrationProtectionResult,
  ImageAttribute,
  LaunchPermission,
  ModifyImageAttributeRequest,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { ownImage } from "./images.ts";

export const imageAttributeActions = {
  DescribeImageAttribute({ region, input }: Call<DescribeImageAttributeRequest>): ImageAttribute {
    const { api, sharedWith } = ownImage(region, input.ImageId);
    const ImageId = api.ImageId;
    switch (input.Attribute) {
      case "launchPermission":
        return {
          ImageId,
          LaunchPermissions: [
            ...(api.Public ? [{ Group: "all" as const }] : []),
            ...[...sharedWith].map((who) => (who.startsWith("arn:") ? { OrganizationArn: who } : { UserId: who })),
          ],
        };
      case "imdsSupport":
        return { ImageId, ...(api.ImdsSupport && { ImdsSupport: { Value: api.ImdsSupport } }) };
      case "description":
        return { ImageId, Description: { Value: api.Description } };
      default:
        throw new ApiError("InvalidParameterValue", `Value (${input.Attribute}) for parameter attribute is invalid.`);
    }
  },

  /** One kind of attribute in a request, as on AWS. */
  ModifyImageAttribute({ region, input, commit }: Call<ModifyImageAttributeRequest>): Record<string, never> {
    const { api, sharedWith } = ownImage(region, input.ImageId);
    const { Attribute, OperationType, UserIds, UserGroups, OrganizationArns, Value } = input;
    const listed: LaunchPermission[] = [
      ...(UserIds ?? []).map((UserId) => ({ UserId })),
      ...(UserGroups ?? []).map((Group) => ({ Group: Group as "all" })),
      ...(OrganizationArns ?? []).map((OrganizationArn) => ({ OrganizationArn })),
    ];
    const add: LaunchPermission[] = [
      ...(input.LaunchPermission?.Add ?? []),
      ...(OperationType === "add" ? listed : []),
    ];
    const remove: LaunchPermission[] = [
      ...(input.LaunchPermission?.Remove ?? []),
      ...(OperationType === "remove" ? listed : []),
    ];
    const imds = input.ImdsSupport?.Value ?? (Attribute === "imdsSupport" ? Value : undefined);
    const description = input.Description?.Value ?? (Attribute === "description" ? Value : undefined);
    const kinds = [add.length + remove.length > 0, imds !== undefined, description !== undefined].filter(Boolean);
    if (kinds.length !== 1)
      throw new ApiError("InvalidParameterCombination", "Exactly one attribute is expected in a request");
    if (imds !== undefined && imds !== "v2.0")
      throw new ApiError("InvalidParameterValue", `Invalid value '${imds}' for imdsSupport: expected v2.0`);
    for (const permission of add) assertPermission(permission);
    commit();
    if (imds !== undefined) api.ImdsSupport = "v2.0";
    if (description !== undefined) api.Description = description;
    for (const permission of add) {
      if (permission.Group === "all") api.Public = true;
      else sharedWith.add(nameOf(permission));
    }
    for (const permission of remove) {
      if (permission.Group === "all") api.Public = false;
      else sharedWith.delete(nameOf(permission));
    }
    return {};
  },

  EnableImageDeprecation({ region, input, commit }: Call<EnableImageDeprecationRequest>): EnableImageDeprecationResult {
    const { api } = ownImage(region, input.ImageId);
    const { DeprecateAt: at } = input;
    if (!at || at.getTime() <= Date.now())
      throw new ApiError("InvalidParameterValue", "The deprecation time must be in the future");
    commit();
    // AWS rounds the seconds to the nearest minute.
    api.DeprecationTime = new Date(Math.round(at.getTime() / 60_000) * 60_000).toISOString();
    return { Return: true };
  },

  DisableImageDeprecation({
    region,
    input,
    commit,
  }: Call<DisableImageDeprecationRequest>): DisableImageDeprecationResult {
    const { api } = ownImage(region, input.ImageId);
    commit();
    delete api.DeprecationTime;
    return { Return: true };
  },

  EnableImageDeregistrationProtection({
    region,
    input,
    commit,
  }: Call<EnableImageDeregistrationProtectionRequest>): EnableImageDeregistrationProtectionResult {
    const image = ownImage(region, input.ImageId);
    if (input.WithCooldown) throw new ApiError("InvalidParameterValue", "WithCooldown is not built into this endpoint");
    commit();
    image.protection = true;
    return { Return: "enabled-without-cooldown" };
  },

  DisableImageDeregistrationProtection({
    region,
    input,
    commit,
  }: Call<DisableImageDeregistrationProtectionRequest>): DisableImageDeregistrationProtectionResult {
    const image = ownImage(region, input.ImageId);
    commit();
    image.protection = false;
    return { Return: "disabled" };
  },
};

const nameOf = ({ UserId, OrganizationArn, OrganizationalUnitArn }: LaunchPermission): string =>
  UserId ?? OrganizationArn ?? OrganizationalUnitArn ?? "";

function assertPermission(permission: LaunchPermission): void {
  const { Group, UserId } = permission;
  if (Group !== undefined && Group !== "all") throw new ApiError("InvalidParameterValue", `Invalid group '${Group}'`);
  if (UserId !== undefined && !/^\d{12}$/.test(UserId))
    throw new ApiError(
      "InvalidAMIAttributeItemValue",
      `Invalid attribute item value "${UserId}" for userId item type.`,
    );
  if (Group === undefined && nameOf(permission) === "")
    throw new ApiError("InvalidParameterValue", "A launch permission names nobody");
}
