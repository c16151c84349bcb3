import { rmSync } from "node:fs";
import { SNS } from "@aws-sdk/client-sns";
import { awsClientConfig } from "../../lib/aws-client.ts";
import { main } from "../../lib/main.ts";
import { stopListener } from "./daemon.ts";
import { readSettings } from "./settings.ts";
import { ownSubscription, unsubscribe } from "./subscription.ts";

await main(async (use) => {
  const { topic, instance } = readSettings(process.env);
  const state = process.env.BOOTLACE_STATE ?? "";
  const own = ownSubscription(state, instance);
  if (own !== undefined) {
    const client = use(new SNS(awsClientConfig(process.env, "awsKeys", topic.split(":")[3])));
    await unsubscribe(client, own.arn);
    console.log(`unsubscribed ${own.arn}`);
  }
  await stopListener(state);
  rmSync(state, { recursive: true, force: true });
});
