import type { AutoScaling } from "@aws-sdk/client-auto-scaling";
import type { EC2, Filter } from "@aws-sdk/client-ec2";
import { allPages } from "./all-pages.ts";
import { autoScalingClient, ec2Client } from "./ec2-client.ts";
import { isGone } from "./look.ts";
import { parametersOfAmi } from "./parameters-of-ami.ts";

/**
 * What stands on an AMI in its region: instances that are not terminated, versions of launch templates, launch
 * configurations, Auto Scaling groups with such a template or configuration, parameters of Systems Manager; and its own protection.
 *
 * @throws {BootlaceError} also when one of these may not be looked at: then nobody knows.
 */
export async function usersOfAmi(ami: string, region: string | undefined): Promise<readonly string[]> {
  const api = await ec2Client(region);
  const scaling = await autoScalingClient(region);
  try {
    const [{ Images: [image] = [] }, instances, templates, configurations, parameters] = await Promise.all([
      api.describeImages({ Filters: [{ Name: "image-id", Values: [ami] }] }),
      instancesOf(api, ami),
      templatesOf(api, ami),
      configurationsOf(scaling, ami),
      parametersOfAmi(ami, region),
    ]);
    const groups = await groupsOf(scaling, new Set(templates.map(({ name }) => name)), configurations);
    const old = [...configurations].map((name) => `launch configuration ${name}`);
    const kept = /^enabled/.test(image?.DeregistrationProtection ?? "")
      ? ["its protection against deregistration"]
      : [];
    const named = parameters.map((name) => `parameter ${name}`);
    return [...kept, ...named, ...instances, ...templates.map(({ what }) => what), ...old, ...groups];
  } finally {
    scaling.destroy();
  }
}

async function instancesOf(api: EC2, ami: string): Promise<readonly string[]> {
  const Filters: Filter[] = [{ Name: "image-id", Values: [ami] }];
  const pages = await allPages((NextToken) => api.describeInstances({ Filters, ...(NextToken && { NextToken }) }));
  return pages
    .flatMap(({ Reservations = [] }) => Reservations.flatMap(({ Instances = [] }) => Instances))
    .filter(({ State }) => !isGone(State?.Name))
    .map(({ InstanceId, State }) => `instance ${InstanceId} (${State?.Name})`);
}

/** Any version may be the one that somebody goes back to. A version may also name its AMI by a parameter of Systems Manager. */
async function templatesOf(api: EC2, ami: string): Promise<readonly { name: string; what: string }[]> {
  const pages = await allPages((NextToken) => api.describeLaunchTemplates({ ...(NextToken && { NextToken }) }));
  const found: { name: string; what: string }[] = [];
  for (const { LaunchTemplateId, LaunchTemplateName: name = "" } of pages.flatMap(
    ({ LaunchTemplates = [] }) => LaunchTemplates,
  )) {
    const versions = await allPages((NextToken) =>
      api.describeLaunchTemplateVersions({
        ...(LaunchTemplateId && { LaunchTemplateId }),
        ResolveAlias: true,
        ...(NextToken && { NextToken }),
      }),
    );
    const numbers = versions
      .flatMap(({ LaunchTemplateVersions = [] }) => LaunchTemplateVersions)
      .filter(({ LaunchTemplateData }) => LaunchTemplateData?.ImageId === ami)
      .map(({ VersionNumber }) => VersionNumber);
    if (numbers.length > 0) found.push({ name, what: `launch template ${name}, version ${numbers.join(", ")}` });
  }
  return found;
}

async function configurationsOf(api: AutoScaling, ami: string): Promise<ReadonlySet<string>> {
  const pages = await allPages((NextToken) => api.describeLaunchConfigurations({ ...(NextToken && { NextToken }) }));
  return new Set(
    pages
      .flatMap(({ LaunchConfigurations = [] }) => LaunchConfigurations)
      .filter(({ ImageId }) => ImageId === ami)
      .map(({ LaunchConfigurationName = "" }) => LaunchConfigurationName),
  );
}

/** By the templates' names: which version a group takes is told with the template. */
async function groupsOf(
  api: AutoScaling,
  templates: ReadonlySet<string>,
  configurations: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (templates.size + configurations.size === 0) return [];
  const pages = await allPages((NextToken) => api.describeAutoScalingGroups({ ...(NextToken && { NextToken }) }));
  return pages
    .flatMap(({ AutoScalingGroups = [] }) => AutoScalingGroups)
    .filter((group) => {
      const mixed = group.MixedInstancesPolicy?.LaunchTemplate;
      const named = [group.LaunchTemplate, mixed?.LaunchTemplateSpecification].concat(
        (mixed?.Overrides ?? []).map(({ LaunchTemplateSpecification }) => LaunchTemplateSpecification),
      );
      return (
        configurations.has(group.LaunchConfigurationName ?? "") ||
        named.some((template) => templates.has(template?.LaunchTemplateName ?? ""))
      );
    })
    .map(({ AutoScalingGroupName }) => `Auto Scaling group ${AutoScalingGroupName}`);
}
