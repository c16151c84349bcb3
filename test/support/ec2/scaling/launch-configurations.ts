import type { DescribeLaunchConfigurationsCommandOutput, LaunchConfiguration } from "@aws-sdk/client-auto-scaling";
import type { Region } from "../state.ts";
import type { ScalingCall } from "./scaling-actions.ts";

const configurations = new WeakMap<Region, LaunchConfiguration[]>();

/** What an account has from before there were launch templates; tests put them there. */
export function launchConfigurations(region: Region): LaunchConfiguration[] {
  const found = configurations.get(region) ?? [];
  configurations.set(region, found);
  return found;
}

export const configurationActions = {
  DescribeLaunchConfigurations({
    region,
  }: ScalingCall<object>): Pick<DescribeLaunchConfigurationsCommandOutput, "LaunchConfigurations"> {
    return { LaunchConfigurations: launchConfigurations(region) };
  },
};
