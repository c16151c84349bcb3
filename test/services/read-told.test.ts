import { expect, test } from "vitest";
import { readTold } from "../../services/bootlace/deploy-listener/read-told.ts";
import type { Settings } from "../../services/bootlace/deploy-listener/settings.ts";

const topic = "arn:aws:sns:eu-west-1:111122223333:deployments";
const settings: Settings = {
  topic,
  services: ["web"],
  url: "http://192.0.2.1:8787/bootlace/shop/stable/i-1",
  address: "public",
  host: "0.0.0.0",
  port: 8787,
  runAs: "nobody",
  debounce: 0,
  instance: "i-1",
  root: "/",
  project: "shop",
  channel: "stable",
};
const deployment = { bootlace: 1, deployment: "by-hand-1", project: "shop", channel: "stable", services: ["web"] };
const told = (more: object) => ({ k: "deployment", id: "0a1b", deployment: { ...deployment, ...more } });

test("readTold() takes what a server says that verified it", () => {
  expect(readTold({ k: "listening" }, settings)).toEqual({ k: "listening" });
  expect(readTold({ k: "confirmed", arn: `${topic}:0a-1b` }, settings)).toEqual({
    k: "confirmed",
    arn: `${topic}:0a-1b`,
  });
  expect(readTold(told({}), settings)).toEqual(told({}));
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["another kind", { k: "run" }],
  ["a subscription of another topic", { k: "confirmed", arn: `${topic}2:0a-1b` }],
  ["a subscription that is a list", { k: "confirmed", arn: [`${topic}:0a-1b`] }],
  ["a deployment that would leave its folder", told({ deployment: "../../../etc" })],
  ["a deployment of another project", told({ project: "other" })],
  ["a deployment of another channel", told({ channel: "next" })],
  ["a service beyond the params", told({ services: ["web", "listener"] })],
  ["an option for a service", told({ services: ["--rerun"] })],
  ["no deployment", { k: "deployment", id: "0a1b" }],
  ["a message without an id", { k: "deployment", deployment }],
])("readTold() takes no word of a server that says %s", (_what, said) => {
  expect(readTold(said, settings)).toBeUndefined();
});
