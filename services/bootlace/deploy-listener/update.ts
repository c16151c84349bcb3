import { SNS } from "@aws-sdk/client-sns";
import { ownAddress } from "../../lib/addresses.ts";
import { awsClientConfig } from "../../lib/aws-client.ts";
import { main } from "../../lib/main.ts";
import { ensureListener } from "./daemon.ts";
import { deploy } from "./deploy.ts";
import { listen } from "./listen.ts";
import { serve } from "./serve.ts";
import { readSettings } from "./settings.ts";
import { ensureSubscription } from "./subscription.ts";

// One bundled file, because it is copied beside the service's state and started again in other roles.
const [, script = "", role, ...words] = process.argv;
await main(async (use) => {
  if (role === "serve") {
    // It lives no longer than who acts on what it says.
    process.on("disconnect", () => process.exit());
    return serve(JSON.parse(words[0] ?? ""), (told) => process.send?.(told));
  }
  if (role === "listen") {
    const [state = "", settings = ""] = words;
    return listen(state, JSON.parse(settings), () => process.connected && process.send?.("listening"));
  }
  if (role === "deploy") return deploy(JSON.parse(words[2] ?? ""), JSON.parse(words[1] ?? ""));

  // A smoke test is over before anybody deploys, and SNS need not reach it.
  const { BOOTLACE_PURPOSE: purpose = "run" } = process.env;
  if (purpose !== "run") return console.log(`no subscription: this machine's purpose is ${purpose}`);
  const given = readSettings(process.env);
  const state = process.env.BOOTLACE_STATE ?? "";
  const base = given.url || `http://${hostIn(await ownAddress(given.address, process.env))}:${given.port}`;
  // The desk reads from the address whose machine it is, and what it follows: a topic may serve several channels.
  const own = `bootlace/${given.project}/${given.channel}/${given.instance}`;
  const settings = { ...given, url: `${base.replace(/\/+$/, "")}/${own}` };
  if (await ensureListener(state, script, settings))
    console.log(`the listener was started, ${settings.host}:${settings.port}`);
  const region = settings.topic.split(":")[3] ?? "";
  const client = use(new SNS(awsClientConfig(process.env, "awsKeys", region)));
  if (await ensureSubscription(client, state, settings)) console.log(`subscribed as ${settings.url}`);
});

function hostIn(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
