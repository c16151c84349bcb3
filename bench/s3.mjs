// An S3 endpoint and an instance metadata service on loopback, in a process of their own: those of the tests, built.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SUPPORT = fileURLToPath(new URL("../test/support/aws", import.meta.url));
const program = (log) => `
import { renameSync, writeFileSync } from "node:fs";
import { startImds } from "./imds-server.ts";
import { startS3, TEST_KEY } from "./s3-server.ts";
const role = { accessKeyId: "ASIABENCHBENCHBENCHB", secretAccessKey: "bench/role+secret", sessionToken: "IQoJ".repeat(200) };
const s3 = await startS3({ credentials: [TEST_KEY, role] });
const imds = await startImds({ role: "boot", credentials: role });
const told = () => s3.requests.map(({ method, key, status, sent }) => ({ method, key, status, sent }));
let turn = 0;
process.on("SIGUSR2", () => {
  writeFileSync(${JSON.stringify(`${log}.new`)}, JSON.stringify([turn++, told()]));
  renameSync(${JSON.stringify(`${log}.new`)}, ${JSON.stringify(log)});
});
process.stdout.write(JSON.stringify({ url: s3.url, bucket: s3.bucket, region: s3.region, imds: imds.url, key: TEST_KEY }) + "\\n");
`;

/** @returns where they are, what the endpoint was asked for (method, key, status, bytes sent), and how to end them. */
export async function startEndpoints(dir) {
  const log = join(dir, "requests.json");
  const outfile = join(dir, "endpoints.mjs");
  await build({
    stdin: { contents: program(log), resolveDir: SUPPORT, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "error",
  });
  const child = spawn(process.execPath, [outfile], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const requests = async () => {
    const before = read(log);
    child.kill("SIGUSR2");
    while (read(log) === before) await new Promise((resolve) => setTimeout(resolve, 5));
    return JSON.parse(read(log))[1];
  };
  return { ...JSON.parse(line.toString()), requests, stop: () => child.kill() };
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
