import type { Activity, InstanceRefresh, LifecycleHook, MixedInstancesPolicy } from "@aws-sdk/client-auto-scaling";

/** An instance of a group. */
export interface Member {
  readonly id: string;
  state: "Pending" | "Pending:Wait" | "InService" | "Terminating" | "Terminated";
  /** Number of the launch template's version that it was made from. */
  readonly version: number;
  readonly zone: string;
  /** Lifecycle actions that wait, by hook; their timers begin again at each heartbeat. */
  readonly waiting: Map<string, Waiting>;
}

export interface Waiting {
  readonly token: string;
  complete(result: "CONTINUE" | "ABANDON"): void;
  beat(): void;
}

/** A refresh, what it wants and what somebody asked of it meanwhile. */
export interface StoredRefresh {
  readonly api: InstanceRefresh;
  /** Version before, and the one that is wanted; `undefined`: the group's own. */
  readonly from: Spec;
  readonly to: Spec;
  asked: "go on" | "cancel" | "roll back";
}

/** A launch template and the version as it was given: a number, `$Default`, `$Latest`. */
export interface Spec {
  readonly id: string;
  readonly version: string;
}

/** An Auto Scaling group. */
export interface StoredScalingGroup {
  readonly name: string;
  readonly created: Date;
  min: number;
  max: number;
  desired: number;
  template: Spec;
  mixed: MixedInstancesPolicy | undefined;
  subnets: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly hooks: Map<string, LifecycleHook>;
  readonly members: Member[];
  /** Newest first, as DescribeScalingActivities answers them. */
  readonly activities: Activity[];
  /** Newest first. */
  readonly refreshes: StoredRefresh[];
  /** What is under way; another thing begins after it. */
  work: Promise<void>;
  stopped: boolean;
}
