import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Route53 } from "@aws-sdk/client-route-53";
import { expect, onTestFinished, test } from "vitest";
import { findZone } from "../../services/bootlace/test/hosted-zone.ts";
import { addressRecord, ensureRecords, ownRecords } from "../../services/bootlace/test/records.ts";
import { startRoute53 } from "../support/aws/route53-server.ts";
import { TEST_KEY } from "../support/aws/s3-server.ts";

test("ensureRecords() leaves nothing behind in the zone that it wrote to before", async () => {
  const state = mkdtempSync(join(tmpdir(), "bootlace-records-"));
  const server = await startRoute53(["old.example.com", "new.example.com"]);
  const client = new Route53({ endpoint: server.url, region: "us-east-1", credentials: TEST_KEY });
  onTestFinished(async () => {
    client.destroy();
    await server.close();
    rmSync(state, { recursive: true });
  });
  const at = { state, instance: "i-1" };
  const ensure = async (name: string) =>
    ensureRecords(
      await findZone(client, name),
      [addressRecord(`shop-i-1.${name}`, "192.0.2.1")],
      ownRecords(state, "i-1"),
      at,
    );
  const answers = () => server.zones.map((zone) => zone.list().filter(({ type }) => type === "A").length);
  await ensure("old.example.com");
  expect(answers()).toEqual([1, 0]);
  await ensure("new.example.com");
  expect(answers()).toEqual([0, 1]);
  expect(ownRecords(state, "i-1")?.zone.name).toBe("new.example.com");
});
