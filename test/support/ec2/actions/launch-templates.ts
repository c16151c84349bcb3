import { createHash } from "node:crypto";
import type {
  CreateLaunchTemplateRequest,
  CreateLaunchTemplateResult,
  CreateLaunchTemplateVersionRequest,
  CreateLaunchTemplateVersionResult,
  DeleteLaunchTemplateRequest,
  DeleteLaunchTemplateResult,
  DescribeLaunchTemplatesRequest,
  DescribeLaunchTemplatesResult,
  DescribeLaunchTemplateVersionsRequest,
  DescribeLaunchTemplateVersionsResult,
  LaunchTemplate,
  LaunchTemplateVersion,
  ModifyLaunchTemplateRequest,
  ModifyLaunchTemplateResult,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered, page } from "../protocol/filters.ts";
import { ACCOUNT, makeId, type Region, type StoredTemplate } from "../state.ts";
import { specifiedTags } from "../tag-book.ts";

interface Named {
  readonly LaunchTemplateId?: string | undefined;
  readonly LaunchTemplateName?: string | undefined;
}

/** @throws {ApiError} as EC2 words it for a template that is not there. */
export function templateOf(region: Region, { LaunchTemplateId: id, LaunchTemplateName: name }: Named): StoredTemplate {
  if ((id === undefined) === (name === undefined))
    throw new ApiError("MissingParameter", "The request must contain exactly one of launch template ID and name");
  const found = [...region.templates.values()].find((each) => each.id === id || each.name === name);
  if (found) return found;
  if (id !== undefined)
    throw new ApiError(
      "InvalidLaunchTemplateId.NotFound",
      `The specified launch template, with template ID ${id}, does not exist.`,
    );
  throw new ApiError(
    "InvalidLaunchTemplateName.NotFoundException",
    `The specified launch template, with template name ${name}, does not exist.`,
  );
}

/** A version by its number, `$Default` or `$Latest`. */
export function versionOf(template: StoredTemplate, version = "$Default"): LaunchTemplateVersion {
  const number = version === "$Default" ? template.default : version === "$Latest" ? template.latest : Number(version);
  const found = template.versions.find(({ VersionNumber }) => VersionNumber === number);
  if (found) return { ...found, DefaultVersion: found.VersionNumber === template.default };
  throw new ApiError(
    "InvalidLaunchTemplateId.VersionNotFound",
    `Could not find launch template version ${version} for launch template ${template.id}`,
  );
}

const describe = (region: Region, { id, name, created, default: usual, latest }: StoredTemplate): LaunchTemplate => ({
  LaunchTemplateId: id,
  LaunchTemplateName: name,
  CreateTime: created,
  CreatedBy: `arn:aws:iam::${ACCOUNT}:user/desk`,
  DefaultVersionNumber: usual,
  LatestVersionNumber: latest,
  Tags: region.tags.of(id),
});

function addVersion(
  template: StoredTemplate,
  data: LaunchTemplateVersion["LaunchTemplateData"],
  description: string | undefined,
): LaunchTemplateVersion {
  if ((description?.length ?? 0) > 255)
    throw new ApiError("InvalidParameterValue", "The version description is longer than 255 characters");
  template.latest += 1;
  const made: LaunchTemplateVersion = {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    VersionNumber: template.latest,
    ...(description === undefined ? {} : { VersionDescription: description }),
    CreateTime: new Date(),
    CreatedBy: `arn:aws:iam::${ACCOUNT}:user/desk`,
    LaunchTemplateData: data,
  };
  template.versions.push(made);
  return versionOf(template, `${template.latest}`);
}

export const launchTemplateActions = {
  CreateLaunchTemplate({ region, input, commit }: Call<CreateLaunchTemplateRequest>): CreateLaunchTemplateResult {
    void input.ClientToken;
    const name = input.LaunchTemplateName ?? "";
    if ([...region.templates.values()].some((each) => each.name === name))
      throw new ApiError("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.");
    const tags = specifiedTags(input.TagSpecifications, ["launch-template"]);
    const data = input.LaunchTemplateData as LaunchTemplateVersion["LaunchTemplateData"];
    const description = input.VersionDescription;
    commit();
    const id = makeId("lt");
    const template: StoredTemplate = {
      id,
      name,
      created: new Date(),
      versions: [],
      default: 1,
      latest: 0,
      tokens: new Map(),
    };
    addVersion(template, data, description);
    region.templates.set(id, template);
    region.tags.add(id, tags["launch-template"] ?? []);
    return { LaunchTemplate: describe(region, template) };
  },

  CreateLaunchTemplateVersion({
    region,
    input,
    commit,
  }: Call<CreateLaunchTemplateVersionRequest>): CreateLaunchTemplateVersionResult {
    const { LaunchTemplateId, LaunchTemplateName, SourceVersion, VersionDescription, ClientToken } = input;
    const template = templateOf(region, { LaunchTemplateId, LaunchTemplateName });
    const source = SourceVersion === undefined ? {} : versionOf(template, SourceVersion).LaunchTemplateData;
    const given = input.LaunchTemplateData as LaunchTemplateVersion["LaunchTemplateData"];
    commit();
    const token = ClientToken && createHash("sha256").update(ClientToken).digest("hex");
    const before = token ? template.tokens.get(token) : undefined;
    if (before !== undefined) return { LaunchTemplateVersion: versionOf(template, `${before}`) };
    const made = addVersion(template, { ...source, ...given }, VersionDescription);
    if (token) template.tokens.set(token, made.VersionNumber ?? 0);
    return { LaunchTemplateVersion: made };
  },

  DescribeLaunchTemplates({ region, input }: Call<DescribeLaunchTemplatesRequest>): DescribeLaunchTemplatesResult {
    const { LaunchTemplateIds: ids, LaunchTemplateNames: names } = input;
    const named = [
      ...(ids ?? []).map((LaunchTemplateId) => templateOf(region, { LaunchTemplateId })),
      ...(names ?? []).map((LaunchTemplateName) => templateOf(region, { LaunchTemplateName })),
    ];
    const all = ids?.length || names?.length ? named : [...region.templates.values()];
    const found = filtered(all, input.Filters, { "launch-template-name": ({ name }) => [name] }, ({ id }) =>
      region.tags.of(id),
    );
    const { items, next } = page(found, input);
    return { LaunchTemplates: items.map((each) => describe(region, each)), ...(next && { NextToken: next }) };
  },

  /** Newest first, as EC2 does. */
  DescribeLaunchTemplateVersions({
    region,
    input,
  }: Call<DescribeLaunchTemplateVersionsRequest>): DescribeLaunchTemplateVersionsResult {
    const { LaunchTemplateId, LaunchTemplateName, Versions } = input;
    // No template here names its AMI by a parameter.
    void input.ResolveAlias;
    const template = templateOf(region, { LaunchTemplateId, LaunchTemplateName });
    const all = [...template.versions].reverse().map(({ VersionNumber }) => versionOf(template, `${VersionNumber}`));
    const chosen = Versions?.length ? Versions.map((each) => versionOf(template, each)) : all;
    const { items, next } = page(chosen, input);
    return { LaunchTemplateVersions: items, ...(next && { NextToken: next }) };
  },

  ModifyLaunchTemplate({ region, input, commit }: Call<ModifyLaunchTemplateRequest>): ModifyLaunchTemplateResult {
    const { LaunchTemplateId, LaunchTemplateName, DefaultVersion } = input;
    void input.ClientToken;
    const template = templateOf(region, { LaunchTemplateId, LaunchTemplateName });
    const { VersionNumber = 1 } = versionOf(template, DefaultVersion);
    commit();
    template.default = VersionNumber;
    return { LaunchTemplate: describe(region, template) };
  },

  DeleteLaunchTemplate({ region, input, commit }: Call<DeleteLaunchTemplateRequest>): DeleteLaunchTemplateResult {
    const { LaunchTemplateId, LaunchTemplateName } = input;
    const template = templateOf(region, { LaunchTemplateId, LaunchTemplateName });
    commit();
    region.templates.delete(template.id);
    region.tags.forget(template.id);
    return { LaunchTemplate: describe(region, template) };
  },
};
