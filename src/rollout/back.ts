import type { AutoScaling, InstanceRefresh } from "@aws-sdk/client-auto-scaling";
import type { EC2 } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import { BootlaceError } from "../../stage2/index.ts";
import { deskStep } from "../machine/desk-step.ts";
import { assertVersion } from "./assert-version.ts";
import { findGroup, pinGroup } from "./aws/groups.ts";
import { parameterHistory, writeParameter } from "./aws/parameters.ts";
import { busy, refreshUnderWay, startRefresh } from "./aws/refreshes.ts";
import { findTemplate, setDefault, templateVersion, templateVersions } from "./aws/templates.ts";
import type { Change } from "./change.ts";
import { end, type GroupApis, type GroupWish } from "./to-group.ts";
import { versionBefore } from "./versions-before.ts";

export interface BackWish {
  /** Number of the version; undefined: the one before. */
  readonly to?: number | undefined;
  /** What names the region in a printed command. */
  readonly at: string;
}

/** States of instances that a refresh is to replace; the others leave, or stand aside. */
const STAYS = /^(Pending|InService)/;

/** The template's default becomes the version that was it before. @throws {BootlaceError} `E_ROLLBACK`, `E_ROLLOUT_TARGET`. */
export async function planTemplateBack(ec2: EC2, name: string, { to, at }: BackWish): Promise<Change> {
  const template = await findTemplate(ec2, name);
  const goal = { kind: "lt", name } as const;
  const target = versionBefore(await templateVersions(ec2, template), template.default, to, goal, at);
  await assertVersion(ec2, target, goal, at);
  return {
    lines: [
      `the default of ${template.name}: version ${template.default} → ${target.number} (${target.ami ?? "no AMI"})`,
    ],
    facts: { template: template.name, before: template.default, version: target.number },
    make: async ({ report }) => {
      const step = { step: "default", of: `template ${template.name}`, detail: `version ${target.number}` };
      await deskStep(report, step, () => setDefault(ec2, template, target.number));
      return {};
    },
  };
}

/**
 * A refresh that is under way is taken back by AWS; else a new one brings the group to the version that it had before.
 * A group of mixed instances goes to the version that it is bound to: AWS binds it to another one at a refresh's good end only.
 *
 * @throws {BootlaceError} `E_ROLLBACK`, `E_ROLLOUT_TARGET`, `E_ROLLOUT_BUSY`.
 */
export async function planGroupBack(
  { ec2, scaling }: GroupApis,
  name: string,
  { to, at }: BackWish,
  wish: GroupWish,
): Promise<Change> {
  const running = await refreshUnderWay(scaling, name);
  if (running) return takeBack(scaling, name, running, { to, at }, wish);
  const group = await findGroup(scaling, name);
  const template = await findTemplate(ec2, group.templateId);
  const current = await templateVersion(ec2, template, group.version);
  const goal = { kind: "asg", name } as const;
  // What a refresh left behind that did not come to its end: not gone on with, its way back is the group's own version.
  const isMixed = group.instances.some(({ state, version }) => STAYS.test(state) && version !== `${current.number}`);
  const isPinned = group.version === `${current.number}`;
  const toOwn = isMixed && (to === undefined ? isPinned : to === current.number);
  const target = toOwn ? current : versionBefore(await templateVersions(ec2, template), current.number, to, goal, at);
  await assertVersion(ec2, target, goal, at);
  const again = `bootlace rollback asg/${name} --to ${target.number}${at}`;
  const back = `bootlace rollback asg/${name}${at}`;
  return {
    lines: [
      toOwn
        ? `${name}: all instances to version ${target.number} of ${template.name}, which the group has (${target.ami ?? "no AMI"})`
        : `${name}: version ${current.number} → ${target.number} of ${template.name} (${target.ami ?? "no AMI"})`,
      `${group.instances.filter(({ version }) => version !== `${target.number}`).length} of ${group.instances.length} instances are replaced`,
    ],
    facts: { group: name, template: template.name, before: current.number, version: target.number },
    make: async (doing) => {
      // So that it can be taken back as well.
      if (!isPinned) await pinGroup(scaling, group, current.number);
      const id = await startRefresh(scaling, group, target.number, wish.care, at);
      const run = { group: name, id, again, back, wanted: "Successful", maxFail: undefined } as const;
      return { refresh: id, ...(await end(scaling, run, wish, doing)) };
    },
  };
}

function takeBack(
  scaling: AutoScaling,
  name: string,
  { InstanceRefreshId: id = "", Status: status }: InstanceRefresh,
  { to, at }: BackWish,
  wish: GroupWish,
): Change {
  const back = `bootlace rollback asg/${name}${at}`;
  if (to !== undefined)
    throw new BootlaceError("E_ROLLOUT_BUSY", `In ${name} a refresh is under way: ${id}, ${status}`, {
      hint: `Without --to it is taken back: ${back}`,
    });
  return {
    lines: [`the refresh ${id} of ${name} (${status}) is taken back`],
    facts: { group: name, refresh: id },
    make: async (doing) => {
      // The call names a group alone: what another desk began meanwhile is not what was shown here.
      const now = await refreshUnderWay(scaling, name);
      if (now && now.InstanceRefreshId !== id) throw busy(name, now, at);
      if (now && now.Status !== "RollbackInProgress")
        await scaling.rollbackInstanceRefresh({ AutoScalingGroupName: name });
      const run = { group: name, id, again: back, back, wanted: "RollbackSuccessful", maxFail: undefined } as const;
      return end(scaling, run, wish, doing);
    },
  };
}

/** The value of before is written once more, as a new version. @throws {BootlaceError} `E_ROLLBACK`, `E_ROLLOUT_TARGET`. */
export async function planParameterBack(ssm: SSM, name: string, { to, at }: BackWish): Promise<Change> {
  const history = await parameterHistory(ssm, name);
  const [current] = history;
  if (!current)
    throw new BootlaceError("E_ROLLOUT_TARGET", `There is no parameter ${name} in ${await ssm.config.region()}`);
  const goal = { kind: "ssm", name } as const;
  const target = versionBefore(history, current.number, to, goal, at);
  return {
    lines: [`${name}: ${current.value} (version ${current.number}) → ${target.value} (of version ${target.number})`],
    facts: { parameter: name, before: current.number, ami: target.value },
    make: async ({ report, every, signal }) => {
      const description = target.description ?? `Bootlace: as version ${target.number}`;
      const step = { step: "value", of: `parameter ${name}`, detail: target.value };
      const version = await deskStep(report, step, () =>
        writeParameter(ssm, name, { ami: target.value, description }, { every, signal }),
      );
      return { version };
    },
  };
}
