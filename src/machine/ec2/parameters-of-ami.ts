import { allPages } from "./all-pages.ts";
import { ssmClient } from "./ec2-client.ts";

/** GetParameters takes so many names (Systems Manager API Reference). */
const AT_ONCE = 10;

/**
 * Parameters of the account that name an AMI now, as `rollout ssm:` writes them.
 *
 * @returns names.
 */
export async function parametersOfAmi(ami: string, region: string | undefined): Promise<readonly string[]> {
  const ssm = await ssmClient(region);
  try {
    const ParameterFilters = [{ Key: "DataType", Values: ["aws:ec2:image"] }];
    const pages = await allPages((NextToken) =>
      ssm.describeParameters({ ParameterFilters, ...(NextToken && { NextToken }) }),
    );
    const names = pages.flatMap(({ Parameters = [] }) => Parameters.map(({ Name = "" }) => Name));
    const found: string[] = [];
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const { Parameters = [] } = await ssm.getParameters({ Names: names.slice(at, at + AT_ONCE) });
      found.push(...Parameters.filter(({ Value }) => Value === ami).map(({ Name = "" }) => Name));
    }
    return found;
  } finally {
    ssm.destroy();
  }
}
