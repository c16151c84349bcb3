import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbClient } from "../../../../src/image/records/dynamodb-client.ts";
import { openDynamoDbRecords } from "../../../../src/image/records/dynamodb-records.ts";
import { recordsTable } from "../../../../src/image/records/dynamodb-table.ts";
import { openRecords } from "../../../../src/image/records/open-records.ts";
import { type DynamoDbServer, startDynamoDb } from "../../../support/aws/dynamodb-server.ts";
import { useAwsCredentials } from "../../../support/aws/s3-credentials.ts";
import { makeProject } from "../../../support/small-project.ts";
import { sampleRecord } from "../sample-record.ts";
import { recordsContract } from "./records-contract.ts";

const TABLE = "boot-records";
const region = "eu-west-1";

describe("at an endpoint on loopback", () => {
  let server: DynamoDbServer;
  useAwsCredentials();
  beforeAll(async () => {
    server = await startDynamoDb();
    process.env.AWS_ENDPOINT_URL_DYNAMODB = server.endpoint;
    process.env.AWS_ACCESS_KEY_ID = "AKIATESTTESTTESTTEST";
    process.env.AWS_SECRET_ACCESS_KEY = "test/secret+of=a/test";
    await (await dynamoDbClient(region)).createTable(recordsTable(TABLE));
  });
  afterAll(async () => {
    delete process.env.AWS_ENDPOINT_URL_DYNAMODB;
    await server?.close();
  });

  const open = (project: string) => openDynamoDbRecords({ project, region, table: TABLE });

  recordsContract("DynamoDB", async () => {
    const project = randomUUID();
    return [await open(project), await open(project)];
  });

  test("a write whose answer was lost is done once, and is no other desk's", async () => {
    const records = await open(randomUUID());
    const record = sampleRecord("web", "20261130120000-aaaa");
    server.loseAnswer("PutItem");
    await records.add(record);
    server.loseAnswer("PutItem");
    expect(await records.change(record, { state: "deprecated" })).toMatchObject({ revision: 2 });
    expect(await records.get("web", record.id)).toMatchObject({ revision: 2, state: "deprecated" });
  });

  test("two projects in one table see nothing of each other", async () => {
    const [one, other] = [await open(randomUUID()), await open(randomUUID())];
    await one.add(sampleRecord("web", "20261130120000-aaaa"));
    expect(await other.all()).toEqual([]);
    expect(await other.line("web/20261130120000-aaaa")).toEqual([]);
  });

  test("more records than a page holds are all there", async () => {
    const records = await open(randomUUID());
    // 16 bytes of chance for each name are not made smaller by compression: two pages of a megabyte.
    const packages = Array.from({ length: 9000 }, () => `${randomUUID()} 1`);
    const ids = Array.from({ length: 10 }, (_, index) => `2026113012000${index}-aaaa`);
    for (const id of ids) await records.add(sampleRecord("web", id, { packages }));
    const before = server.calls.length;
    expect((await records.named("web")).map(({ id }) => id)).toEqual([...ids].reverse());
    expect(server.calls.length - before).toBeGreaterThan(1);
  });

  test("a record that no item holds is refused, with what to do", async () => {
    const records = await open(randomUUID());
    const packages = Array.from({ length: 40_000 }, () => `${randomUUID()} 1`);
    await expect(records.add(sampleRecord("web", "20261130120000-aaaa", { packages }))).rejects.toMatchObject({
      code: "E_RECORDS",
      hint: expect.stringContaining("records"),
    });
  });

  test("openRecords() goes by bootlace.yaml; a table that is not there says how to make it", async () => {
    const dir = await makeProject({ "bootlace.yaml": `name: shop\nregion: ${region}\nrecords: dynamodb:nowhere\n` });
    const records = await openRecords(dir);
    expect(records).toMatchObject({ shared: true, place: "the table nowhere in eu-west-1" });
    await expect(records.all()).rejects.toMatchObject({
      code: "E_RECORDS",
      hint: expect.stringContaining("bootlace setup"),
    });
  });

  test.each([
    ["AccessDeniedException", "E_AWS_DENIED", "--policies"],
    ["UnrecognizedClientException", "E_AWS_CREDENTIALS", "AWS_PROFILE"],
  ])("%s is told as %s", async (error, code, hint) => {
    const records = await open(randomUUID());
    server.refuse("Query", error);
    await expect(records.all()).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) });
  });
});

/** With credentials of an account for tests; the table is made and removed. */
describe.runIf(process.env.BOOTLACE_TEST_AWS === "1")("at AWS", () => {
  const table = `bootlace-test-${randomUUID()}`;
  beforeAll(async () => {
    const client = await dynamoDbClient(undefined);
    await client.createTable({ ...recordsTable(table), DeletionProtectionEnabled: false });
    while ((await client.describeTable({ TableName: table })).Table?.TableStatus !== "ACTIVE")
      await new Promise((resolve) => setTimeout(resolve, 1000));
  });
  afterAll(async () => void (await (await dynamoDbClient(undefined)).deleteTable({ TableName: table })));
  recordsContract("DynamoDB at AWS", async () => {
    const choice = { project: randomUUID(), region: undefined, table };
    return [await openDynamoDbRecords(choice), await openDynamoDbRecords(choice)];
  });
});
