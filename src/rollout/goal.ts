import { BootlaceError } from "../../stage2/index.ts";

/** Where an image goes: a launch template, an Auto Scaling group, a parameter of SSM. */
export type GoalKind = "lt" | "asg" | "ssm";

export interface Goal {
  readonly kind: GoalKind;
  /** As AWS knows it; of a launch template also its id. */
  readonly name: string;
}

/** Names of launch templates, groups and parameters, as the API references of the three have them, put together. */
const NAME = /^[A-Za-z0-9()./_ :-]{1,255}$/;

/** Takes `asg:shop-web` apart. @throws {BootlaceError} `E_ROLLOUT_GOAL`. */
export const parseGoal = (text: string): Goal => parse(text, ":", "lt:NAME, asg:NAME or ssm:NAME");

/** Takes `asg/shop-web` apart, as `rollback` has it. @throws {BootlaceError} `E_ROLLOUT_GOAL`. */
export const parseStand = (text: string): Goal => parse(text, "/", "lt/NAME, asg/NAME or ssm/NAME");

/** Whether `rollback` is asked for something that `rollout` moves. */
export const isStand = (text: string): boolean => /^(?:lt|asg|ssm)\//.test(text);

/** As a person types it for `rollback`. */
export const standText = ({ kind, name }: Goal): string => `${kind}/${name}`;

function parse(text: string, between: ":" | "/", expected: string): Goal {
  const at = text.indexOf(between);
  const kind = (["lt", "asg", "ssm"] as const).find((each) => each === text.slice(0, at));
  const name = text.slice(at + 1);
  if (kind && NAME.test(name)) return { kind, name };
  throw new BootlaceError("E_ROLLOUT_GOAL", `Expected ${expected}, "${text}" came`);
}
