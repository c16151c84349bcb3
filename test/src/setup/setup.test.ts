import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CommandContext } from "../../../src/cli/command.ts";
import setup from "../../../src/commands/setup.ts";
import { dynamoDbClient } from "../../../src/image/records/dynamodb-client.ts";
import { openRecords } from "../../../src/image/records/open-records.ts";
import { tablePieces } from "../../../src/setup/dynamodb-setup.ts";
import { makePolicies } from "../../../src/setup/policies.ts";
import { type DynamoDbServer, startDynamoDb } from "../../support/aws/dynamodb-server.ts";
import { useAwsCredentials } from "../../support/aws/s3-credentials.ts";
import { type S3Server, startS3 } from "../../support/aws/s3-server.ts";
import { makeProject } from "../../support/small-project.ts";
import { sampleRecord } from "../image/sample-record.ts";

useAwsCredentials();
let s3: S3Server;
let dynamodb: DynamoDbServer;
beforeEach(async () => {
  [s3, dynamodb] = await Promise.all([startS3({ missing: true }), startDynamoDb()]);
  process.env.AWS_ENDPOINT_URL_DYNAMODB = dynamodb.endpoint;
});
afterEach(async () => {
  delete process.env.AWS_ENDPOINT_URL_DYNAMODB;
  await Promise.all([s3.close(), dynamodb.close()]);
});

const project = () =>
  makeProject({
    "bootlace.yaml": `name: shop
region: eu-west-1
store: s3://acme-boot/shop
s3: {endpoint: "${s3.url}"}
records: dynamodb:boot
`,
  });

async function run(dir: string, options: CommandContext["options"] = {}) {
  const stdout = new PassThrough();
  const context = {
    dir,
    args: [],
    options,
    json: true,
    yes: false,
    stdout,
    stderr: stdout,
    signal: AbortSignal.any([]),
  };
  await setup(context as CommandContext);
  return JSON.parse(String(stdout.read())) as {
    made: boolean;
    pieces: { what: string; was: boolean }[];
    policies: ReturnType<typeof makePolicies>;
  };
}
const were = ({ pieces }: Awaited<ReturnType<typeof run>>) => pieces.map(({ was }) => was);

test("setup makes bucket and table as they should be, and a second time finds nothing to do", async () => {
  const dir = await project();
  expect(were(await run(dir, { plan: true }))).toEqual(Array(8).fill(false));
  expect(s3.settings.exists).toBe(false);
  expect(dynamodb.calls.map(({ action }) => action)).toEqual(["DescribeTable"]);

  expect(were(await run(dir))).toEqual(Array(8).fill(false));
  expect(s3.settings.given.get("versioning")).toContain("<Status>Enabled</Status>");
  expect(s3.settings.given.get("encryption")).toContain("<SSEAlgorithm>AES256</SSEAlgorithm>");
  for (const block of ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"])
    expect(s3.settings.given.get("publicAccessBlock")).toContain(`<${block}>true</${block}>`);
  expect(JSON.parse(s3.settings.given.get("policy") ?? "{}").Statement).toEqual([
    expect.objectContaining({
      Effect: "Deny",
      Principal: "*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    }),
  ]);
  const client = await dynamoDbClient("eu-west-1");
  const { Table } = await client.describeTable({ TableName: "boot" });
  expect(Table).toMatchObject({
    DeletionProtectionEnabled: true,
    BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
  });
  expect(dynamodb.backups.get("boot")).toBe(true);

  const [writes, calls] = [s3.requests.filter(({ method }) => method === "PUT").length, dynamodb.calls.length];
  expect(were(await run(dir))).toEqual(Array(8).fill(true));
  expect(s3.requests.filter(({ method }) => method === "PUT").length).toBe(writes);
  expect(dynamodb.calls.slice(calls).map(({ action }) => action)).toEqual([
    "DescribeTable",
    "DescribeContinuousBackups",
  ]);

  const records = await openRecords(dir);
  await records.add(sampleRecord("web", "20261130120000-aaaa"));
  expect(await records.line("web/20261130120000-aaaa")).toHaveLength(1);
});

test("setup mends what was changed, and leaves alone what else the bucket's policy says", async () => {
  const dir = await project();
  await run(dir);
  const other = { Sid: "Auditors", Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" };
  s3.settings.given.set("policy", JSON.stringify({ Version: "2012-10-17", Statement: [other] }));
  s3.settings.given.delete("versioning");
  dynamodb.protection.set("boot", false);
  expect(were(await run(dir))).toEqual([true, true, false, true, false, true, false, true]);
  const { Statement } = JSON.parse(s3.settings.given.get("policy") ?? "{}");
  expect(Statement.map(({ Sid }: { Sid: string }) => Sid)).toEqual(["Auditors", "BootlaceTlsOnly"]);
  expect(dynamodb.protection.get("boot")).toBe(true);
});

test("tablePieces() refuses another kind of table, waits for backups, and takes another desk's table", async () => {
  const client = await dynamoDbClient("eu-west-1");
  await client.createTable({
    TableName: "orders",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  });
  const orders = tablePieces({ table: "orders", region: "eu-west-1" });
  await expect(orders).rejects.toMatchObject({ code: "E_SETUP", message: expect.stringContaining("id HASH") });

  const pieces = await tablePieces({ table: "boot", region: "eu-west-1" }, 1);
  dynamodb.refuse("UpdateContinuousBackups", "ContinuousBackupsUnavailableException", 2);
  for (const piece of pieces) await piece.act();
  expect(dynamodb.calls.filter(({ action }) => action === "UpdateContinuousBackups")).toHaveLength(3);
  for (const piece of pieces) await piece.act();
  expect((await tablePieces({ table: "boot", region: "eu-west-1" })).every(({ done }) => done)).toBe(true);
});

test("makePolicies() gives a desk no right to remove a record, and an instance no right but to read its store", () => {
  const store = { bucket: "acme-boot", prefix: "shop", pathStyle: false };
  const { desk, builder, instance } = makePolicies({ project: "shop", region: "eu-west-1", store, table: "boot" });
  const actions = ({ Statement }: typeof desk) => Statement.flatMap(({ Action }) => Action);
  expect(actions(instance)).toEqual(["s3:GetObject"]);
  expect(instance.Statement.map(({ Resource }) => Resource)).toEqual(["arn:aws:s3:::acme-boot/shop/*"]);
  expect(actions(desk).filter((action) => /Delete|\*/.test(action))).toEqual([]);
  const changing = builder.Statement.filter(({ Action }) =>
    Action.some((action) => /Terminate|Delete|Deregister/.test(action)),
  );
  expect(changing.map(({ Condition }) => Condition)).toEqual([
    { StringEquals: { "aws:ResourceTag/bootlace:project": "shop" } },
  ]);
});
