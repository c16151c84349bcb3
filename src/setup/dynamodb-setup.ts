import { setTimeout as sleep } from "node:timers/promises";
import type { DynamoDB, TableDescription } from "@aws-sdk/client-dynamodb";
import { BootlaceError } from "../../stage2/index.ts";
import { dynamoDbClient, dynamoDbCode } from "../image/records/dynamodb-client.ts";
import { recordsTable } from "../image/records/dynamodb-table.ts";
import type { Piece } from "./piece.ts";

/** A table is there within seconds; its backups may take a little longer. Milliseconds. */
const WITHIN = 180_000;

/**
 * What a table of records has to be: paid by request, protected against deletion, with point-in-time recovery.
 *
 * @param every milliseconds between two looks.
 * @throws {BootlaceError} `E_SETUP` for a table of that name which is something else; `E_AWS_REGION`, `E_AWS_DENIED`.
 */
export async function tablePieces(
  { table, region }: { readonly table: string; readonly region: string | undefined },
  every = 2_000,
): Promise<readonly Piece[]> {
  const client = await dynamoDbClient(region);
  const found = await describe(client, table);
  if (found) assertSameKeys(found, table);
  const place = `the table ${table} in ${await client.config.region()}`;
  return [
    {
      what: `${place}, paid by request`,
      done: found !== undefined,
      async act() {
        // Another desk may have been faster; its table is the same.
        await client.createTable(recordsTable(table)).catch((error) => {
          if (dynamoDbCode(error) !== "ResourceInUseException") throw error;
        });
        await until(every, async () => (await describe(client, table))?.TableStatus === "ACTIVE", place);
      },
    },
    {
      what: `deletion protection of ${place}`,
      done: found?.DeletionProtectionEnabled === true,
      async act() {
        if ((await describe(client, table))?.DeletionProtectionEnabled) return;
        await client.updateTable({ TableName: table, DeletionProtectionEnabled: true });
      },
    },
    {
      what: `point-in-time recovery of ${place}`,
      done: found !== undefined && (await isRecoverable(client, table)),
      act: () => until(every, () => makeRecoverable(client, table), place),
    },
  ];
}

async function describe(client: DynamoDB, table: string): Promise<TableDescription | undefined> {
  try {
    return (await client.describeTable({ TableName: table })).Table;
  } catch (error) {
    if (dynamoDbCode(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

async function isRecoverable(client: DynamoDB, table: string): Promise<boolean> {
  const { ContinuousBackupsDescription: told } = await client.describeContinuousBackups({ TableName: table });
  return told?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === "ENABLED";
}

/** Answers whether it could be done by now. */
async function makeRecoverable(client: DynamoDB, table: string): Promise<boolean> {
  try {
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    await client.updateContinuousBackups({ TableName: table, PointInTimeRecoverySpecification });
    return true;
  } catch (error) {
    if (/^(ContinuousBackupsUnavailable|ResourceInUse)Exception$/.test(dynamoDbCode(error))) return false;
    throw error;
  }
}

function assertSameKeys(found: TableDescription, table: string): void {
  const keys = (schema: TableDescription["KeySchema"]) =>
    (schema ?? []).map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(", ");
  const indexes = ({ GlobalSecondaryIndexes: all }: Pick<TableDescription, "GlobalSecondaryIndexes">) =>
    (all ?? []).map(({ IndexName, KeySchema }) => `${IndexName}: ${keys(KeySchema)}`);
  const wanted = recordsTable(table);
  const missing = indexes(wanted as TableDescription).filter((index) => !indexes(found).includes(index));
  if (keys(found.KeySchema) === keys(wanted.KeySchema) && missing.length === 0) return;
  throw new BootlaceError(
    "E_SETUP",
    `The table ${table} is another kind of table: expected the keys ${keys(wanted.KeySchema)} and an index ${indexes(wanted as TableDescription)}, ${keys(found.KeySchema)} came`,
    { hint: "Name another table under `records:` in bootlace.yaml." },
  );
}

async function until(every: number, look: () => Promise<boolean>, place: string): Promise<void> {
  const end = performance.now() + WITHIN;
  while (!(await look())) {
    if (performance.now() > end)
      throw new BootlaceError("E_SETUP", `It takes longer than ${WITHIN / 1000} s to make ${place}`, {
        hint: "Run `bootlace setup` again: it goes on where it ended.",
      });
    await sleep(every);
  }
}
