import { setTimeout as sleep } from "node:timers/promises";
import { type AwsApi, AwsRefusal } from "./aws-api.ts";

/** Milliseconds between two heartbeats: the shortest time that a hook may have is 30 seconds. */
const BEAT_EVERY = 20_000;
/** A quick boot may be done before Auto Scaling waits for it; milliseconds. */
const PENDING_WITHIN = 120_000;
const LOOK_EVERY = 3_000;

export interface HookPlace {
  readonly group: string;
  readonly hook: string;
  readonly instance: string;
  /** The first boot of this instance: its hook will come, if it has not yet. */
  readonly first: boolean;
}

/** The launch lifecycle hook of an instance in an Auto Scaling group ("Complete a lifecycle action", its User Guide). */
export class LaunchHook {
  readonly #api: AwsApi;
  readonly #place: HookPlace;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(api: AwsApi, place: HookPlace) {
    this.#api = api;
    this.#place = place;
  }

  /** Tells Auto Scaling that it goes on, now and from time to time. What is wrong is told when the hook is completed. */
  async beat(): Promise<void> {
    if (this.#over) return;
    const isPending = await this.#ask("RecordLifecycleActionHeartbeat", {}).then(
      () => true,
      (error) => !isNoAction(error) || this.#place.first,
    );
    if (isPending && !this.#over) this.#timer = setTimeout(() => void this.beat(), BEAT_EVERY).unref();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** @returns whether a hook was waiting. @throws {Error} when it cannot be completed. */
  async complete(result: "CONTINUE" | "ABANDON"): Promise<boolean> {
    try {
      for (const end = performance.now() + PENDING_WITHIN; ; ) {
        try {
          await this.#ask("CompleteLifecycleAction", { LifecycleActionResult: result });
          return true;
        } catch (error) {
          if (!isNoAction(error)) throw error;
          if (!this.#place.first || performance.now() > end) return false;
        }
        await sleep(LOOK_EVERY);
      }
    } finally {
      this.stop();
    }
  }

  #ask(action: string, more: Readonly<Record<string, string>>): Promise<void> {
    const { group, hook, instance } = this.#place;
    return this.#api.query("autoscaling", {
      Action: action,
      Version: "2011-01-01",
      AutoScalingGroupName: group,
      LifecycleHookName: hook,
      InstanceId: instance,
      ...more,
    });
  }
}

const isNoAction = (error: unknown): boolean =>
  error instanceof AwsRefusal && error.code === "ValidationError" && /No active Lifecycle Action/i.test(error.message);
