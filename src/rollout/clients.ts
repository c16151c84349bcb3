import type { AutoScaling } from "@aws-sdk/client-auto-scaling";
import type { EC2 } from "@aws-sdk/client-ec2";
import type { SSM } from "@aws-sdk/client-ssm";
import { autoScalingClient, ec2Client, ssmClient } from "../machine/ec2/ec2-client.ts";

/** Of one region; each is loaded when it is asked for. */
export interface Clients {
  ec2(): Promise<EC2>;
  scaling(): Promise<AutoScaling>;
  ssm(): Promise<SSM>;
}

/** @param region undefined: what the SDK finds. */
export function clientsOf(region: string | undefined): Clients {
  return {
    ec2: () => ec2Client(region),
    scaling: () => autoScalingClient(region),
    ssm: () => ssmClient(region),
  };
}
