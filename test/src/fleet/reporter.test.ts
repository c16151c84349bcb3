import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { fleetReporter } from "../../../src/fleet/reporter.ts";
import type { Event } from "../../../stage2/index.ts";

const FAILED: Event = {
  k: "fail",
  t: 1,
  run: "r",
  step: "web.init",
  reason: "exit 1",
  message: "",
  ms: 5,
  tail: "",
  log: "/var/lib/bootlace/runs/r/web.init.log",
  ignored: false,
  exit: 1,
} as unknown as Event;

async function shown(targets: readonly string[], json: boolean): Promise<string> {
  const stdout = new PassThrough();
  const reporter = fleetReporter(targets, { stdout, json });
  reporter.of("ops@h1")(FAILED);
  reporter.close();
  stdout.end();
  return text(stdout);
}

test.each([
  ["one machine", ["ops@h1"]],
  ["many", ["ops@h1", "ops@h2"]],
])("fleetReporter() says by which command a failed step's log is read, of %s", async (_name, targets) => {
  const said = await shown(targets, false);
  expect(said).toContain("log: bootlace logs ops@h1 web.init");
  expect(said).not.toContain("/var/lib");
});

test("fleetReporter() gives programs the machine's own path", async () => {
  expect(JSON.parse(await shown(["ops@h1"], true))).toMatchObject({ log: "/var/lib/bootlace/runs/r/web.init.log" });
});
