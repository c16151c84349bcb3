import { createHash, createHmac } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Settings } from "./s3-settings.ts";

/**
 * A presigned GET: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference.
 *
 * @param client One that has asked S3 before, and so knows S3's clock.
 * @param key With the prefix.
 * @param seconds 1 to 604800.
 */
export async function presignGet(
  client: S3Client,
  settings: S3Settings,
  key: string,
  seconds: number,
  now = new Date(Date.now() + client.config.systemClockOffset),
): Promise<string> {
  const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
  const region = await client.config.region();
  const { origin, host, path } = addressOf(settings, region, key);
  const date = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const query = [
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${accessKeyId}/${scope}`],
    ["X-Amz-Date", date],
    ["X-Amz-Expires", `${seconds}`],
    ...(sessionToken === undefined ? [] : [["X-Amz-Security-Token", sessionToken]]),
    ["X-Amz-SignedHeaders", "host"],
  ]
    .map(([name = "", value = ""]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  const canonical = ["GET", path, query, `host:${host}\n`, "host", "UNSIGNED-PAYLOAD"].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  let mac: string | Buffer = `AWS4${secretAccessKey}`;
  for (const part of [...scope.split("/"), toSign]) mac = createHmac("sha256", mac).update(part).digest();
  return `${origin}${path}?${query}&X-Amz-Signature=${mac.toString("hex")}`;
}

/** Keys and prefixes hold characters only that a URL does not encode (s3-settings.ts, channel-name.ts). */
function addressOf(settings: S3Settings, region: string, key: string) {
  const { bucket, endpoint, pathStyle } = settings;
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const url = new URL(endpoint ?? `https://s3.${region}.${suffix}`);
  const host = pathStyle ? url.host : `${bucket}.${url.host}`;
  const base = url.pathname.replace(/\/+$/, "");
  return { origin: `${url.protocol}//${host}`, host, path: `${base}${pathStyle ? `/${bucket}` : ""}/${key}` };
}
