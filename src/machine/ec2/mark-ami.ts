import type { Origin } from "../machine.ts";
import { ec2Client } from "./ec2-client.ts";
import { TAG } from "./tags.ts";

/** An AMI and its snapshots, as tags are given to them. */
export const resourcesOf = ({ ami = "", snapshots = "" }: Origin): string[] =>
  [ami, ...snapshots.split(" ")].filter(Boolean);

/** From now on an AMI is no build's to remove any more. */
export async function markAmi(origin: Origin, state: "good" | "quarantined"): Promise<void> {
  const api = await ec2Client(origin.region);
  const Resources = resourcesOf(origin);
  await api.createTags({ Resources, Tags: [{ Key: TAG.state, Value: state }] });
  await api.deleteTags({ Resources, Tags: [{ Key: TAG.expires }] });
}
