import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../stage2/index.ts";
import { findAmi } from "./aws/find-ami.ts";
import type { TemplateVersion } from "./aws/templates.ts";
import { type Goal, standText } from "./goal.ts";

/**
 * Asks EC2 whether the AMI of a version that a rollback goes to can still be launched: `image prune` may have removed it.
 * What a parameter names is not looked at.
 *
 * @param at what names the region in a printed command.
 * @throws {BootlaceError} `E_ROLLBACK`
 */
export async function assertVersion(ec2: EC2, { number, ami }: TemplateVersion, goal: Goal, at: string): Promise<void> {
  if (ami === undefined || !ami.startsWith("ami-")) return;
  const state = (await findAmi(ec2, ami))?.State ?? "gone";
  if (state === "available") return;
  throw new BootlaceError("E_ROLLBACK", `Version ${number} of ${standText(goal)} has ${ami}, which is ${state}`, {
    hint: `Take another one (--to N): bootlace rollback ${standText(goal)} --list${at} shows what it has.`,
  });
}
