import { configurationActions } from "./launch-configurations.ts";
import { type ScalingCall, scalingActions } from "./scaling-actions.ts";

type Action = (call: ScalingCall<Readonly<Record<string, unknown>>>) => object;

/** All that this Auto Scaling can do; the form was read by AWS's model of this very action. */
export function scalingActionNamed(name: string): Action | undefined {
  return ({ ...scalingActions, ...configurationActions } as unknown as Readonly<Record<string, Action>>)[name];
}
