import { Recipe } from "../recipe.ts";
import type { BuildStart } from "./build-context.ts";
import { captureStep, recordStep, releaseStep, stopStep, verifyInsideStep, verifyStep } from "./make-image.ts";
import { deliverStep, initStep, sealStep } from "./on-the-machine.ts";
import { connectStep, launchStep, prepareStep, settleStep } from "./reach.ts";
import { smokeStep } from "./smoke.ts";

/** From base to image. The order is docs/images.md's; every step that creates something has its undo. */
export const buildRecipe = Recipe.start<BuildStart>()
  .step(prepareStep)
  .step(launchStep)
  .step(connectStep)
  .step(settleStep)
  .step(deliverStep)
  .step(initStep)
  .step(sealStep)
  .step(verifyInsideStep)
  .step(stopStep)
  .step(verifyStep)
  .step(captureStep)
  .step(smokeStep)
  .step(releaseStep)
  .step(recordStep);
