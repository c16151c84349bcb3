import type { EC2 } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import { deskStep } from "../machine/desk-step.ts";
import { assertImage } from "./aws/assert-image.ts";
import { currentParameter, writeParameter } from "./aws/parameters.ts";
import type { Change } from "./change.ts";
import type { RolledImage } from "./rolled-image.ts";
import { noteText } from "./version-note.ts";

/**
 * The image's AMI as the value of a parameter that templates and other programs read (`resolve:ssm:NAME`). What it was
 * before stays in the parameter's history.
 *
 * @throws {BootlaceError} `E_ROLLOUT_IMAGE`, and what SSM refuses.
 */
export async function planParameter(api: SSM, ec2: EC2, name: string, image: RolledImage): Promise<Change> {
  const now = await currentParameter(api, name);
  await assertImage(ec2, image, now && /^ami-/.test(now.value) ? now.value : undefined);
  const facts = { parameter: name, ami: image.ami, image: image.label, before: now?.value };
  if (now?.value === image.ami)
    return {
      lines: [`${name} is ${image.ami} already, version ${now.number}`],
      facts: { ...facts, version: now.number },
    };
  const description = noteText({ image: image.label, project: image.project, after: now?.number });
  return {
    lines: [`${name}: ${now ? `${now.value} (version ${now.number})` : "a new parameter"} → ${image.ami}`],
    facts,
    make: async ({ report, every, signal }) => {
      const step = { step: "value", of: `parameter ${name}`, detail: image.ami };
      const version = await deskStep(report, step, () =>
        writeParameter(api, name, { ami: image.ami, description }, { every, signal }),
      );
      return { version };
    },
  };
}
