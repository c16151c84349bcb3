import { randomUUID } from "node:crypto";
import type { DynamoDB, QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { type ImageRecord, imageName } from "../image-record.ts";
import { dynamoDbClient, dynamoDbCode } from "./dynamodb-client.ts";
import { type Item, itemOf, recordOf } from "./dynamodb-item.ts";
import { LINE_INDEX } from "./dynamodb-table.ts";
import type { ImageRecords, RecordChanges } from "./image-records.ts";
import { recordChanged, recordTaken } from "./record-errors.ts";

export interface DynamoDbChoice {
  readonly project: string;
  readonly region: string | undefined;
  readonly table: string;
}

/** @throws {BootlaceError} `E_AWS_REGION`. */
export async function openDynamoDbRecords(choice: DynamoDbChoice): Promise<ImageRecords> {
  const client = await dynamoDbClient(choice.region);
  return new DynamoDbRecords(client, choice, `the table ${choice.table} in ${await client.config.region()}`);
}

/** Records in a table of DynamoDB, made by `bootlace setup`. */
class DynamoDbRecords implements ImageRecords {
  readonly shared = true;
  readonly place: string;
  private readonly client: DynamoDB;
  private readonly project: string;
  private readonly table: string;

  constructor(client: DynamoDB, { project, table }: DynamoDbChoice, place: string) {
    this.client = client;
    this.project = project;
    this.table = table;
    this.place = place;
  }

  async add(record: ImageRecord): Promise<void> {
    if (!(await this.put(record, "attribute_not_exists(image)", {}))) throw recordTaken(record, this.place);
  }

  async change(seen: ImageRecord, changes: RecordChanges): Promise<ImageRecord> {
    const changed: ImageRecord = { ...seen, ...changes, revision: seen.revision + 1 };
    const values = { ":seen": { N: `${seen.revision}` } };
    if (await this.put(changed, "revision = :seen", values)) return changed;
    throw recordChanged(seen, this.place);
  }

  async get(name: string, id: string): Promise<ImageRecord | undefined> {
    const item = await this.item(name, id);
    return item && recordOf(item);
  }

  named(name: string): Promise<readonly ImageRecord[]> {
    return this.query({
      KeyConditionExpression: "#project = :project AND begins_with(#image, :name)",
      ExpressionAttributeNames: { "#project": "project", "#image": "image" },
      ExpressionAttributeValues: { ":project": { S: this.project }, ":name": { S: `${name}/` } },
      ScanIndexForward: false,
      ConsistentRead: true,
    });
  }

  async all(): Promise<readonly ImageRecord[]> {
    const records = await this.query({
      KeyConditionExpression: "#project = :project",
      ExpressionAttributeNames: { "#project": "project" },
      ExpressionAttributeValues: { ":project": { S: this.project } },
      ScanIndexForward: false,
      ConsistentRead: true,
    });
    // Backwards the names come last first; those of one name are in order, and sorting keeps that.
    return [...records].sort((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1));
  }

  /** An index is a moment behind its table. */
  line(root: string): Promise<readonly ImageRecord[]> {
    return this.query({
      IndexName: LINE_INDEX,
      KeyConditionExpression: "#line = :line",
      ExpressionAttributeNames: { "#line": "line" },
      ExpressionAttributeValues: { ":line": { S: `${this.project} ${root}` } },
      ScanIndexForward: false,
    });
  }

  /** Answers whether the condition held. A write whose answer was lost is tried again, and then finds itself. */
  private async put(record: ImageRecord, condition: string, values: Item): Promise<boolean> {
    const writer = randomUUID();
    try {
      await this.client.putItem({
        TableName: this.table,
        Item: itemOf(this.project, record, writer),
        ConditionExpression: condition,
        ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
      });
      return true;
    } catch (error) {
      if (dynamoDbCode(error) !== "ConditionalCheckFailedException") throw error;
      return (await this.item(record.name, record.id))?.writer?.S === writer;
    }
  }

  private async item(name: string, id: string): Promise<Item | undefined> {
    const Key = { project: { S: this.project }, image: { S: imageName({ name, id }) } };
    return (await this.client.getItem({ TableName: this.table, Key, ConsistentRead: true })).Item;
  }

  private async query(asked: Omit<QueryCommandInput, "TableName">): Promise<readonly ImageRecord[]> {
    const found: ImageRecord[] = [];
    for (let ExclusiveStartKey: Item | undefined; ; ) {
      const page = await this.client.query({
        TableName: this.table,
        ...asked,
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      });
      found.push(...(page.Items ?? []).map(recordOf));
      ExclusiveStartKey = page.LastEvaluatedKey;
      if (!ExclusiveStartKey) return found;
    }
  }
}
