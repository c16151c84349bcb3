import type { AutoScaling } from "@aws-sdk/client-auto-scaling";
import type { EC2 } from "@aws-sdk/client-ec2";
import { deskStep } from "../machine/desk-step.ts";
import { assertImage } from "./aws/assert-image.ts";
import { findGroup, pinGroup } from "./aws/groups.ts";
import { busy, type Care, refreshUnderWay, startRefresh, wantedVersion } from "./aws/refreshes.ts";
import { findTemplate, type Template, type TemplateVersion, templateVersion } from "./aws/templates.ts";
import type { Change, Doing } from "./change.ts";
import type { RolledImage } from "./rolled-image.ts";
import { goesOn, type RefreshRun, runRefresh } from "./run-refresh.ts";
import { assertOwnAmi, newVersion } from "./to-template.ts";
import { readNote } from "./version-note.ts";

export interface GroupWish {
  readonly care: Care;
  readonly maxFail: number | undefined;
  readonly wait: boolean;
}

export interface GroupApis {
  readonly ec2: EC2;
  readonly scaling: AutoScaling;
}

/**
 * A new version of a group's launch template, made from the one that the group runs, and a refresh that brings its
 * instances there. The group is bound to a number before, so that it launches nothing new and AWS can go back to it, and
 * to the new one after.
 *
 * @throws {BootlaceError} `E_ROLLOUT_TARGET`, `E_ROLLOUT_IMAGE`, `E_ROLLOUT_BUSY`, and what AWS refuses.
 */
export async function planGroup(
  { ec2, scaling }: GroupApis,
  name: string,
  image: RolledImage,
  wish: GroupWish,
): Promise<Change> {
  const group = await findGroup(scaling, name);
  const template = await findTemplate(ec2, group.templateId);
  const source = await templateVersion(ec2, template, group.version);
  assertOwnAmi(template, source, image.at);
  const facts = { group: name, template: template.name, before: source.number, ami: image.ami, image: image.label };
  const again = `bootlace rollout ${image.label} asg:${name}${image.at}`;
  const back = `bootlace rollback asg/${name}${image.at}`;
  const follow = (id: string, doing: Doing) =>
    end(scaling, { group: name, id, again, back, wanted: "Successful", maxFail: wish.maxFail }, wish, doing);
  const running = await refreshUnderWay(scaling, name);
  if (running) {
    const wanted = wantedVersion(running);
    const there = wanted === undefined ? undefined : await templateVersion(ec2, template, `${wanted}`);
    const { InstanceRefreshId: id = "" } = running;
    if (there?.ami !== image.ami) throw busy(name, running, image.at);
    return {
      lines: [`a refresh to version ${wanted} with ${image.ami} is under way: ${id}`],
      facts: { ...facts, version: wanted, refresh: id },
      make: (doing) => follow(id, doing),
    };
  }
  await assertImage(ec2, image, source.ami);
  const there = await versionThere(ec2, template, source, image);
  const pinned = group.version === `${source.number}`;
  const others = group.instances.filter(({ version }) => version !== `${there?.number}`);
  if (there?.number === source.number && pinned && others.length === 0)
    return {
      lines: [
        `all ${group.instances.length} instances of ${name} have version ${there.number} with ${image.ami} already`,
      ],
      facts: { ...facts, version: there.number },
    };
  return {
    lines: [
      ...(pinned
        ? []
        : [`the group is bound to version ${source.number} instead of ${group.version}, for the way back`]),
      there
        ? `version ${there.number} of ${template.name} has ${image.ami} already`
        : `a new version of ${template.name} (${template.id}) from version ${source.number}: ${source.ami ?? "no AMI"} → ${image.ami}`,
      `${others.length} of ${group.instances.length} instances are replaced${careText(wish.care)}, then the group has the new version`,
    ],
    facts,
    make: async (doing) => {
      const of = `group ${name}`;
      // First: a group on $Latest would launch from a version that is made before, and nobody has proven that one there.
      if (!pinned)
        await deskStep(doing.report, { step: "bind", of, detail: `version ${source.number}` }, () =>
          pinGroup(scaling, group, source.number),
        );
      const version =
        there ??
        (await deskStep(doing.report, { step: "version", of: `template ${template.name}`, detail: image.ami }, () =>
          newVersion(ec2, template, image, source.number, source.number),
        ));
      const care = group.instances.length === 0 ? { ...wish.care, rollBack: false } : wish.care;
      const id = await startRefresh(scaling, group, version.number, care, image.at);
      return { version: version.number, refresh: id, ...(await follow(id, doing)) };
    },
  };
}

/** What a rollout before made and did not bring to its end; nobody else's version is taken for it. */
async function versionThere(
  ec2: EC2,
  template: Template,
  source: TemplateVersion,
  image: RolledImage,
): Promise<TemplateVersion | undefined> {
  if (source.ami === image.ami) return source;
  const newest = await templateVersion(ec2, template, `${template.newest}`);
  const note = readNote(newest.description);
  const isOurs = note?.image === image.label && note.after === source.number;
  return isOurs && newest.ami === image.ami ? newest : undefined;
}

function careText({ minHealthy, checkpoints, rollBack }: Care): string {
  const parts = [
    ...(minHealthy === undefined ? [] : [`${minHealthy} % stay in service`]),
    ...(checkpoints.length === 0 ? [] : [`with a rest at ${checkpoints.join(", ")} %`]),
    ...(rollBack ? [] : ["without a way back by itself"]),
  ];
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

/** To its end, or not waited for. */
export async function end(
  scaling: AutoScaling,
  run: RefreshRun,
  { wait }: Pick<GroupWish, "wait">,
  doing: Doing,
): Promise<Readonly<Record<string, unknown>>> {
  if (wait) return { status: (await runRefresh(scaling, run, doing)).Status };
  doing.report({ t: Date.now(), k: "notice", level: "info", code: "W_ROLLOUT", message: goesOn(run) });
  return { status: "InProgress" };
}
