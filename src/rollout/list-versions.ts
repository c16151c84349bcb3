import { findGroup } from "./aws/groups.ts";
import { parameterHistory } from "./aws/parameters.ts";
import { findTemplate, templateVersion, templateVersions } from "./aws/templates.ts";
import type { Clients } from "./clients.ts";
import type { Goal } from "./goal.ts";
import { readNote } from "./version-note.ts";

/** One row of `rollback … --list`. */
export interface VersionRow {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly ami: string | undefined;
  /** Of the project, where a rollout made it. */
  readonly image: string | undefined;
  readonly description: string | undefined;
  readonly current: boolean;
}

/** What a rollback could go to, the newest first. */
export async function listVersions({ kind, name }: Goal, clients: Clients): Promise<readonly VersionRow[]> {
  if (kind === "ssm") {
    const all = await parameterHistory(await clients.ssm(), name);
    return all.map((each, at) => row(each.number, each.created, each.value, each.description, at === 0));
  }
  const ec2 = await clients.ec2();
  const group = kind === "asg" ? await findGroup(await clients.scaling(), name) : undefined;
  const template = await findTemplate(ec2, group?.templateId ?? name);
  const current = group ? (await templateVersion(ec2, template, group.version)).number : template.default;
  const all = await templateVersions(ec2, template);
  return all.map((each) => row(each.number, each.created, each.ami, each.description, each.number === current));
}

function row(
  version: number,
  created: number,
  ami: string | undefined,
  description: string | undefined,
  current: boolean,
): VersionRow {
  return { version, created, ami, image: readNote(description)?.image, description, current };
}
