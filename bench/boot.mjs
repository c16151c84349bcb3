// A boot with nothing to fetch: stage1, hand-over, plan, one empty script; beside the start of Node alone. And what a boot
// that brings one changed script downloads.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { folder } from "./machine.mjs";
import { measure, table } from "./measure.mjs";
import { startEndpoints } from "./s3.mjs";

const BOOTLACE = fileURLToPath(new URL("../bin/bootlace.js", import.meta.url));
const INSTALL = fileURLToPath(new URL("../stage1/install", import.meta.url));
const UPDATE = ":\n";

export async function benchBoot() {
  const dir = folder();
  const endpoints = await startEndpoints(dir);
  try {
    return await bench(dir, endpoints);
  } finally {
    endpoints.stop();
    rmSync(dir, { recursive: true });
  }
}

async function bench(dir, { url, bucket, region, imds, key, requests }) {
  const project = join(dir, "project");
  mkdirSync(join(project, "services/web"), { recursive: true });
  const aws = { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
  const env = { ...process.env, ...aws, BOOTLACE_KEYS: join(dir, "keys") };
  const bootlace = (...words) =>
    execFileSync(process.execPath, [BOOTLACE, "-C", project, ...words], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  const update = (text) =>
    writeFileSync(join(project, "services/web/service.yaml"), `description: Nothing\nupdate: |\n  ${text}`);
  const s3 = `s3://${bucket}/bench`;
  writeFileSync(
    join(project, "bootlace.yaml"),
    `name: bench\nservices: [web]\nruntime: system\nregion: ${region}\nstore: ${s3}\ns3: {endpoint: "${url}", pathStyle: true}\n`,
  );
  update(UPDATE);
  bootlace("key", "new");
  const store = `file://${join(dir, "store")}`;
  bootlace("deploy", "stable", "--store", store);
  bootlace("deploy", "stable");

  const inS3 = `store=${s3}\nregion=${region}\nendpoint=${url}\n`;
  const machines = [
    ["the bundle in the image", "store=none\n"],
    ["a channel in a folder", `store=${store}\n`],
    ["a channel in S3, keys file", `${inS3}auth=keys\nkeysfile=/etc/bootlace/keys\n`],
    ["a channel in S3, instance role", `${inS3}auth=role\n`],
  ].map(([name, text], at) => machine(join(dir, `root${at}`), name, text));

  /** A root with stage1 and the project's key, booted once. */
  function machine(root, name, text) {
    mkdirSync(join(root, "etc/cron.d"), { recursive: true });
    const conf = join(root, "boot.conf");
    const common = "v=1\nchannel=stable\nproject=bench\nruntime=system\n";
    // The first boot of each brings the bundle.
    const first = text.startsWith("store=none") ? `store=${store}\n` : text;
    writeFileSync(conf, common + first, { mode: 0o600 });
    execFileSync("sh", [INSTALL, "--root", root, "--conf", conf]);
    execFileSync("cp", ["-r", join(project, "trust"), join(root, "etc/bootlace/trust")]);
    writeFileSync(
      join(root, "etc/bootlace/keys"),
      `[default]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`,
      { mode: 0o600 },
    );
    const argv = ["env", `AWS_EC2_METADATA_SERVICE_ENDPOINT=${imds}`, "sh", join(root, "usr/lib/bootlace/stage1")];
    const boot = [...argv, "--root", root, "--", "boot"];
    execFileSync(boot[0], boot.slice(1), { stdio: "ignore" });
    writeFileSync(join(root, "etc/bootlace/boot.conf"), common + text, { mode: 0o600 });
    return { name: `boot, ${name}`, argv: boot };
  }

  const rows = measure([{ name: "node -e 0", argv: [process.execPath, "-e", "0"] }, ...machines], 15);
  const [, , keys] = machines;
  const asked = async (act) => {
    const before = (await requests()).length;
    act();
    return (await requests()).slice(before).filter(({ key }) => key !== "");
  };
  const boot = () => execFileSync(keys.argv[0], keys.argv.slice(1), { stdio: "ignore" });
  const quiet = await asked(boot);
  update("true\n");
  bootlace("deploy", "stable");
  const changed = await asked(boot);
  const told = (list) =>
    `${list.length} request${list.length === 1 ? "" : "s"}, ${list.reduce((sum, { sent }) => sum + sent, 0)} bytes`;
  return [
    table(
      "A boot with nothing to fetch",
      rows,
      "node -e 0",
      "Bar: under 150 ms beside its scripts' own time. The endpoints are on loopback.",
    ),
    `Nothing new: ${told(quiet)}. One script changed: ${told(changed)} (bar: 300 KB).\n`,
  ].join("\n");
}
if (process.argv[1] === import.meta.filename) console.log(await benchBoot());
