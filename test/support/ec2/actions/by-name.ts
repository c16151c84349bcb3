import type { Call } from "../cloud.ts";
import { groupActions } from "./groups.ts";
import { imageAttributeActions } from "./image-attributes.ts";
import { imageActions } from "./images.ts";
import { lifeActions } from "./instance-life.ts";
import { typeActions } from "./instance-types.ts";
import { instanceActions } from "./instances.ts";
import { keyActions } from "./keys.ts";
import { launchTemplateActions } from "./launch-templates.ts";
import { makeImageActions } from "./make-image.ts";
import { networkActions } from "./network.ts";
import { RunInstances } from "./run-instances.ts";
import { snapshotActions } from "./snapshots.ts";
import { tagActions } from "./tags.ts";

/** All that this EC2 can do, by action; each takes and gives what the SDK's command does. */
const ACTIONS = {
  RunInstances,
  ...instanceActions,
  ...lifeActions,
  ...typeActions,
  ...imageActions,
  ...makeImageActions,
  ...imageAttributeActions,
  ...snapshotActions,
  ...keyActions,
  ...groupActions,
  ...networkActions,
  ...tagActions,
  ...launchTemplateActions,
};

type Action = (call: Call<Readonly<Record<string, unknown>>>) => object | Promise<object>;

/** The form was read by AWS's model of this very action, so that its input has the action's type. */
export function actionNamed(name: string): Action | undefined {
  return (ACTIONS as Readonly<Record<string, unknown>>)[name] as Action | undefined;
}
