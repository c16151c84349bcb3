import { gunzipSync, gzipSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { BootlaceError } from "../../../stage2/index.ts";
import { type ImageRecord, imageName } from "../image-record.ts";

export type Item = Record<string, AttributeValue>;

/** "Maximum item size" (400 KB, names included), with room for what DynamoDB counts beside it. */
const MOST_BYTES = 390_000;

/** @param writer of this one write: whose answer was lost finds it. */
export function itemOf(project: string, record: ImageRecord, writer: string): Item {
  // What is long and never asked for by itself; the rest can be read in AWS's console.
  const { packages, inventory, ...rest } = record;
  const detail = gzipSync(JSON.stringify({ packages, inventory }));
  const text = JSON.stringify(rest);
  if (detail.length + Buffer.byteLength(text) > MOST_BYTES)
    throw new BootlaceError(
      "E_RECORDS",
      `The record of ${imageName(record)} has ${detail.length + Buffer.byteLength(text)} bytes, more than a table's item holds`,
      { hint: "Let services bring many files as one artifact, or leave out `records:`." },
    );
  return {
    project: { S: project },
    image: { S: imageName(record) },
    line: { S: `${project} ${record.lineage}` },
    id: { S: record.id },
    revision: { N: `${record.revision}` },
    state: { S: record.state },
    writer: { S: writer },
    record: { S: text },
    detail: { B: detail },
  };
}

/** @throws {BootlaceError} `E_RECORDS` for an item that is no record, or one of a newer Bootlace. */
export function recordOf(item: Item): ImageRecord {
  const [text, detail] = [item.record?.S, item.detail?.B];
  if (text !== undefined && detail !== undefined) {
    const record = { ...JSON.parse(text), ...JSON.parse(gunzipSync(detail).toString()) } as ImageRecord;
    if (record.format === 3) return record;
  }
  throw new BootlaceError("E_RECORDS", `The item ${item.image?.S} is no record that this version reads`, {
    hint: "A newer Bootlace may have written it.",
  });
}
