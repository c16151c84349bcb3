import type { EC2, LaunchTemplate, LaunchTemplateVersion } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { awsCode } from "../../machine/ec2/ec2-errors.ts";

/** A launch template as it stands. */
export interface Template {
  readonly id: string;
  readonly name: string;
  /** Numbers of versions. */
  readonly default: number;
  readonly newest: number;
}

/** One version of it. */
export interface TemplateVersion {
  readonly number: number;
  /** Undefined where the template names none. */
  readonly ami: string | undefined;
  readonly description: string | undefined;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** @param name of the template, or its id. @throws {BootlaceError} `E_ROLLOUT_TARGET` where there is none. */
export async function findTemplate(api: EC2, name: string): Promise<Template> {
  const which = /^lt-[0-9a-f]{8,17}$/.test(name) ? { LaunchTemplateIds: [name] } : { LaunchTemplateNames: [name] };
  try {
    const [found] = (await api.describeLaunchTemplates(which)).LaunchTemplates ?? [];
    if (found) return templateFrom(found);
  } catch (error) {
    if (!/^InvalidLaunchTemplate(Id|Name)\.(NotFound|Malformed)/.test(awsCode(error))) throw error;
  }
  throw new BootlaceError("E_ROLLOUT_TARGET", `There is no launch template ${name} in ${await api.config.region()}`, {
    hint: "`aws ec2 describe-launch-templates` lists them; make it once with all but the image.",
  });
}

function templateFrom(found: LaunchTemplate): Template {
  const { LaunchTemplateId: id = "", LaunchTemplateName: name = id, DefaultVersionNumber: usual = 1 } = found;
  return { id, name, default: usual, newest: found.LatestVersionNumber ?? usual };
}

/** @param version a number, `$Default` or `$Latest`. @throws {BootlaceError} `E_ROLLOUT_TARGET`. */
export async function templateVersion(api: EC2, { id, name }: Template, version: string): Promise<TemplateVersion> {
  try {
    const asked = { LaunchTemplateId: id, Versions: [version] };
    const [found] = (await api.describeLaunchTemplateVersions(asked)).LaunchTemplateVersions ?? [];
    if (found) return versionFrom(found);
  } catch (error) {
    if (!/VersionNotFound|InvalidLaunchTemplateVersion/.test(awsCode(error))) throw error;
  }
  throw new BootlaceError("E_ROLLOUT_TARGET", `The launch template ${name} has no version ${version}`, {
    hint: "`aws ec2 describe-launch-template-versions` lists what it has.",
  });
}

/** All versions, the newest first. */
export async function templateVersions(api: EC2, { id }: Template): Promise<readonly TemplateVersion[]> {
  const all: TemplateVersion[] = [];
  let NextToken: string | undefined;
  do {
    const page = await api.describeLaunchTemplateVersions({ LaunchTemplateId: id, ...(NextToken && { NextToken }) });
    all.push(...(page.LaunchTemplateVersions ?? []).map(versionFrom));
    NextToken = page.NextToken || undefined;
  } while (NextToken);
  return all.sort((one, other) => other.number - one.number);
}

const versionFrom = (found: LaunchTemplateVersion): TemplateVersion => ({
  number: found.VersionNumber ?? 0,
  ami: found.LaunchTemplateData?.ImageId,
  description: found.VersionDescription,
  created: found.CreateTime?.getTime() ?? 0,
});

/**
 * Makes a version that differs from another one in its AMI alone.
 *
 * @param token of the try: a lost answer that is asked for again makes nothing more ("Ensuring idempotency").
 */
export async function addVersion(
  api: EC2,
  { id }: Template,
  wanted: { readonly source: number; readonly ami: string; readonly description: string; readonly token: string },
): Promise<TemplateVersion> {
  const { LaunchTemplateVersion: made } = await api.createLaunchTemplateVersion({
    LaunchTemplateId: id,
    SourceVersion: `${wanted.source}`,
    LaunchTemplateData: { ImageId: wanted.ami },
    VersionDescription: wanted.description,
    ClientToken: wanted.token,
  });
  if (made?.VersionNumber === undefined)
    throw new BootlaceError("E_ROLLOUT_TARGET", "CreateLaunchTemplateVersion answered no version");
  return versionFrom(made);
}

/** What instances get that are launched from the template without a version. */
export async function setDefault(api: EC2, { id }: Template, version: number): Promise<void> {
  await api.modifyLaunchTemplate({ LaunchTemplateId: id, DefaultVersion: `${version}` });
}
