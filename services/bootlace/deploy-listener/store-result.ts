import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { awsClientConfig } from "../../lib/aws-client.ts";
import { placeFile } from "../../lib/state-file.ts";
import { readBootConf } from "./boot-conf.ts";
import type { DeploymentResult } from "./deploy.ts";

/**
 * Puts a result where the desk looks: `results/<deployment>/<machine>.json` of the machine's own store, which boot.conf
 * names. A message cannot name another place.
 *
 * @returns What became of it, for the log.
 */
export async function storeResult(root: string, result: DeploymentResult): Promise<string> {
  const conf = readBootConf(root);
  const store = conf.get("store") ?? "none";
  const key = `results/${result.deployment}/${result.machine}.json`;
  const text = `${JSON.stringify(result)}\n`;
  if (store.startsWith("file://")) {
    const file = join(fileURLToPath(store), key);
    mkdirSync(join(file, ".."), { recursive: true });
    placeFile(file, text, 0o644);
    return `stored as ${file}`;
  }
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(store) ?? [];
  if (bucket === undefined) return `not stored: nothing can be written to ${store}`;
  const { S3 } = await import("@aws-sdk/client-s3");
  const endpoint = conf.get("endpoint");
  const keysFile = conf.get("auth") === "keys" ? conf.get("keysfile") : undefined;
  if (keysFile !== undefined) process.env.AWS_SHARED_CREDENTIALS_FILE = join(root, keysFile);
  const client = new S3({
    ...awsClientConfig(process.env, "", conf.get("region")),
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: conf.get("path-style") === "yes" || (endpoint !== undefined && conf.get("path-style") !== "no"),
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const owner = conf.get("bucket-owner");
  try {
    await client.putObject({
      Bucket: bucket,
      Key: prefix === "" ? key : `${prefix}/${key}`,
      Body: text,
      ContentType: "application/json",
      ...(owner === undefined ? {} : { ExpectedBucketOwner: owner }),
    });
  } finally {
    client.destroy();
  }
  return `stored in ${store}`;
}
