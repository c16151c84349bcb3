import { setTimeout as sleep } from "node:timers/promises";
import type { NOTICES } from "../../errors/notices.ts";
import type { Event, RunEvent } from "../../types/event.ts";
import type { BootTelling } from "../../types/service.ts";
import { AwsApi } from "./aws-api.ts";
import { BootLog } from "./boot-log.ts";
import { Imds, isOnAmazon } from "./imds.ts";
import { LaunchHook } from "./launch-hook.ts";

type Outcome = (RunEvent & { k: "close" })["outcome"];

/** Tells AWS how an instance's boot goes. Nothing of it makes a boot fail. */
export interface CloudTeller {
  event(event: Event): void;
  /** @param outcome of the boot's last run; undefined: there is nothing to tell. */
  end(outcome: Outcome | undefined): Promise<void>;
}

export interface TellingParts {
  readonly telling: BootTelling;
  /** The first boot of this machine: no whole update has ended well on it yet. */
  readonly first: boolean;
  readonly notice: (level: "info" | "warning", code: keyof typeof NOTICES, message: string) => void;
  /** Milliseconds that the metadata service is asked again in, from the boot's begin. */
  readonly within?: number;
}

/** Milliseconds: a network that comes up late, or a service that is throttled, is there by then. */
const OPEN_WITHIN = 30_000;
const OPEN_EVERY = 1_000;

/** The states that an instance on its way into the group, or into its warm pool, is going to. */
const LAUNCHING = /^(InService|Warmed:)/;
/** By `bootlace:state`, for whoever looks at instances. */
const STATES: Readonly<Partial<Record<Outcome, string>>> = { done: "good", degraded: "degraded", failed: "failed" };

interface Cloud {
  readonly api: AwsApi;
  readonly instance: string;
  readonly hook: LaunchHook | undefined;
  readonly log: BootLog | undefined;
  /** A hook is asked for and the instance is on its way into a group, whose name it cannot see. */
  readonly lacksGroup: boolean;
}

/** Undefined elsewhere than on EC2. */
export function tellCloud(parts: TellingParts): CloudTeller | undefined {
  const { telling, notice } = parts;
  if (!isOnAmazon()) return undefined;
  const early: Event[] = [];
  let opened: Cloud | undefined;
  // In parallel to the run: nobody waits for the metadata service.
  const opening = openInTime(parts).then((cloud) => {
    opened = cloud;
    for (const event of early.splice(0)) cloud.log?.add(event);
    void cloud.hook?.beat();
    return cloud;
  });
  opening.catch(() => {});
  return {
    event(event) {
      if (opened) opened.log?.add(event);
      else early.push(event);
    },
    async end(outcome) {
      const cloud = await opening.catch((error: Error) => {
        for (const code of codesOf(telling)) notice("warning", code, `AWS was not told of this boot: ${error.message}`);
      });
      if (cloud) await tellEnd(cloud, outcome, parts);
    },
  };
}

/** Nobody waits for it but the boot's end. @throws {Error} the last failure when time is up. */
async function openInTime(parts: TellingParts): Promise<Cloud> {
  const end = performance.now() + (parts.within ?? OPEN_WITHIN);
  for (;;) {
    try {
      return await openCloud(parts);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(OPEN_EVERY);
  }
}

async function openCloud({ telling, first }: TellingParts): Promise<Cloud> {
  const imds = new Imds();
  const [instance, region, domain] = await Promise.all([
    imds.get("instance-id"),
    imds.get("placement/region"),
    imds.get("services/domain"),
  ]);
  if (!instance || !region) throw new Error("the instance metadata service tells neither id nor region");
  const api = new AwsApi({ region, domain: domain ?? "amazonaws.com", credentials: () => imds.credentials() });
  const { lifecycleHook: name, logGroup } = telling;
  const target = name === undefined ? undefined : await imds.get("autoscaling/target-lifecycle-state");
  const isLaunching = LAUNCHING.test(target ?? "");
  const group = isLaunching ? await imds.get("tags/instance/aws:autoscaling:groupName") : undefined;
  return {
    api,
    instance,
    hook: name && group ? new LaunchHook(api, { group, hook: name, instance, first }) : undefined,
    lacksGroup: isLaunching && !group,
    log: logGroup === undefined ? undefined : new BootLog(api, logGroup, instance),
  };
}

/** State and events first where the instance is to be given up: afterwards it has little time left. */
async function tellEnd(cloud: Cloud, outcome: Outcome | undefined, parts: TellingParts): Promise<void> {
  const { hook } = cloud;
  const told = Promise.all([tagState(cloud, outcome, parts), endLog(cloud, parts)]);
  if (outcome === undefined || outcome === "interrupted") hook?.stop();
  else if (outcome === "reboot") await hook?.beat();
  else {
    if (outcome === "failed") await told;
    const result = outcome === "failed" ? "ABANDON" : "CONTINUE";
    if (hook) await completeHook(hook, result, parts);
    else if (cloud.lacksGroup) {
      const why = "the metadata do not name the group: the launch template needs InstanceMetadataTags=enabled";
      parts.notice(
        "warning",
        "W_LIFECYCLE",
        `The launch hook ${parts.telling.lifecycleHook} was not told ${result}: ${why}`,
      );
    }
  }
  hook?.stop();
  await told;
}

/** A degraded run is one that the project allows: the instance serves. */
async function completeHook(
  hook: LaunchHook,
  result: "CONTINUE" | "ABANDON",
  { telling, first, notice }: TellingParts,
): Promise<void> {
  const of = `launch hook ${telling.lifecycleHook}`;
  try {
    if (await hook.complete(result)) notice("info", "W_LIFECYCLE", `The ${of} was told ${result}`);
    // At each later boot that is as it should be.
    else if (first)
      notice("warning", "W_LIFECYCLE", `The ${of} was not told ${result}: none is waiting for this instance`);
    else notice("info", "W_LIFECYCLE", `The ${of} is not waiting for this instance`);
  } catch (error) {
    notice("warning", "W_LIFECYCLE", `The ${of} could not be told ${result}: ${messageOf(error)}`);
  }
}

async function tagState({ api, instance }: Cloud, outcome: Outcome | undefined, parts: TellingParts): Promise<void> {
  const state = outcome && STATES[outcome];
  if (!parts.telling.stateTag || state === undefined) return;
  const tag = { "ResourceId.1": instance, "Tag.1.Key": "bootlace:state", "Tag.1.Value": state };
  await api.query("ec2", { Action: "CreateTags", Version: "2016-11-15", ...tag }).catch((error) => {
    parts.notice("warning", "W_STATE_TAG", `The tag bootlace:state could not be set to ${state}: ${messageOf(error)}`);
  });
}

async function endLog({ log }: Cloud, { telling, notice }: TellingParts): Promise<void> {
  await log?.end().catch((error) => {
    notice(
      "warning",
      "W_BOOT_LOG",
      `The log group ${telling.logGroup} does not have all of this boot: ${messageOf(error)}`,
    );
  });
}

function codesOf({ lifecycleHook, stateTag, logGroup }: BootTelling) {
  return [
    ...(lifecycleHook === undefined ? [] : (["W_LIFECYCLE"] as const)),
    ...(stateTag ? (["W_STATE_TAG"] as const) : []),
    ...(logGroup === undefined ? [] : (["W_BOOT_LOG"] as const)),
  ];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
