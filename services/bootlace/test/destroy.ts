import { rmSync } from "node:fs";
import { Route53 } from "@aws-sdk/client-route-53";
import { awsClientConfig } from "../../lib/aws-client.ts";
import { main } from "../../lib/main.ts";
import { HostedZone } from "./hosted-zone.ts";
import { ownRecords } from "./records.ts";
import { readSettings } from "./settings.ts";
import { removeVirtualHosts } from "./virtual-hosts.ts";

await main(async (use) => {
  const { state, instance, sites } = readSettings(process.env);
  removeVirtualHosts(sites);
  const own = ownRecords(state, instance);
  if (own !== undefined) {
    const client = use(new Route53(awsClientConfig(process.env, "awsKeys")));
    const stay = await new HostedZone(client, own.zone.id, own.zone.name).remove(own.records);
    for (const { name } of stay) console.log(`${name} does not lead here any more: it stays as it is`);
  }
  rmSync(state, { recursive: true, force: true });
});
