import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";

/** One line of images, the newest last. */
export const LINE_INDEX = "line";

/**
 * The table of records. An item's keys are the project and `NAME/ID`, so that one table serves many projects, a query by
 * `NAME/` answers one name's images in the order of their ids, and the index `line` one line of descent.
 */
export function recordsTable(table: string): CreateTableCommandInput {
  return {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    DeletionProtectionEnabled: true,
    AttributeDefinitions: [
      { AttributeName: "project", AttributeType: "S" },
      { AttributeName: "image", AttributeType: "S" },
      { AttributeName: "line", AttributeType: "S" },
      { AttributeName: "id", AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: "project", KeyType: "HASH" },
      { AttributeName: "image", KeyType: "RANGE" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: LINE_INDEX,
        KeySchema: [
          { AttributeName: "line", KeyType: "HASH" },
          { AttributeName: "id", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  };
}
