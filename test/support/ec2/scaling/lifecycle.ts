import { randomUUID } from "node:crypto";
import type { LifecycleHook } from "@aws-sdk/client-auto-scaling";
import type { Member, StoredScalingGroup } from "./scaling-state.ts";

const LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING";

/**
 * Keeps an instance in `Pending:Wait` until every launch hook was completed, or its time ran out ("How lifecycle hooks
 * work", Amazon EC2 Auto Scaling User Guide).
 *
 * @returns why it is not to be used; undefined when it is.
 */
export async function awaitLaunchHooks(group: StoredScalingGroup, member: Member): Promise<string | undefined> {
  const hooks = [...group.hooks.values()].filter(({ LifecycleTransition }) => LifecycleTransition === LAUNCHING);
  if (hooks.length === 0) return undefined;
  member.state = "Pending:Wait";
  const results = await Promise.all(hooks.map((hook) => awaitHook(hook, member)));
  return results.find((result) => result !== undefined);
}

function awaitHook(hook: LifecycleHook, member: Member): Promise<string | undefined> {
  const { LifecycleHookName: name = "", HeartbeatTimeout: seconds = 3600, DefaultResult: usual = "ABANDON" } = hook;
  return new Promise((resolve) => {
    const token = randomUUID();
    const end = (result: string, by: string): void => {
      clearTimeout(timer);
      member.waiting.delete(name);
      resolve(
        result === "CONTINUE"
          ? undefined
          : `Instance failed to complete user's Lifecycle Action: Lifecycle Action with token ${token} was abandoned: ${by}`,
      );
    };
    const late = () => end(usual, "Heartbeat Timeout");
    let timer = setTimeout(late, seconds * 1000).unref();
    member.waiting.set(name, {
      token,
      complete: (result) => end(result, `Lifecycle Action Completed with ${result} Result`),
      beat() {
        clearTimeout(timer);
        timer = setTimeout(late, seconds * 1000).unref();
      },
    });
  });
}
