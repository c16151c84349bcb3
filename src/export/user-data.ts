import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { BootlaceError } from "../../stage2/index.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import { s3Settings } from "../store/s3-settings.ts";
import { blobKey, type Store } from "../store/store.ts";
import { firstFiles } from "./first-files.ts";
import { stage1Archive } from "./stage1-archive.ts";

/** "Run commands when you launch an EC2 instance with user data input", Amazon EC2 User Guide: before base64. */
const MOST_BYTES = 16_384;
const FOLDER = "/var/lib/bootlace/user-data";

/**
 * User data for cloud-init that installs stage1 and boots by it. stage1 itself has 26 KB when compressed and does not fit into
 * user data, so it lies in the store as a blob; its digest stands in the user data, which is what is believed.
 *
 * @param store Where stage1 is put, unless it is there.
 * @throws {BootlaceError} `E_EXPORT`.
 */
export async function userData(
  dir: string,
  config: ProjectConfig,
  target: string | undefined,
  store: Store,
): Promise<string> {
  const { conf, trust, services } = await firstFiles(dir, config, target);
  const archive = await stage1Archive();
  const digest = createHash("sha256").update(archive).digest("hex");
  await publish(store, archive, digest);
  const file = (path: string, permissions: string, content: string) => ({ path, permissions, content });
  const text = `#cloud-config\n# Installs Bootlace's stage1 and boots by it: bootlace export user-data\n${stringify({
    write_files: [
      ...trust.map(({ name, text: key }) => file(`/etc/bootlace/trust/${name}`, "0600", key)),
      file("/etc/bootlace/services", "0644", services),
      file(`${FOLDER}/boot.conf`, "0600", conf),
      file(`${FOLDER}/start`, "0700", startScript(fetchCommand(config, digest), digest)),
    ],
    runcmd: [["sh", `${FOLDER}/start`]],
  })}`;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BYTES) return text;
  throw new BootlaceError("E_EXPORT", `The user data has ${bytes} bytes, EC2 takes ${MOST_BYTES}`, {
    hint: "Fewer keys in trust/, or a shorter list of services.",
  });
}

async function publish(store: Store, archive: Buffer, digest: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bootlace-export-"));
  try {
    const file = join(folder, "stage1.tar.gz");
    await writeFile(file, archive);
    await store.put({ kind: "artifacts", digest, bytes: archive.length, file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A shell line that writes the blob to `stage1.tar.gz`. Signing in sh is stage1's, so a private bucket needs the AWS CLI. */
function fetchCommand(config: ProjectConfig, digest: string): string {
  const key = blobKey({ kind: "artifacts", digest });
  const curl = (url: string): string => `curl -fsSL --retry 5 --connect-timeout 10 -o stage1.tar.gz '${url}'`;
  if (!config.store.startsWith("s3://")) return curl(`${config.store.replace(/\/+$/, "")}/${key}`);
  const { bucket, prefix, endpoint, pathStyle } = s3Settings(config.store, { region: config.region, ...config.s3 });
  const path = prefix === "" ? key : `${prefix}/${key}`;
  const region = config.region ?? "us-east-1";
  if (config.boot.auth === "none") {
    const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    const url = new URL(endpoint ?? `https://s3.${region}.${suffix}`);
    const base = `${url.protocol}//${pathStyle ? url.host : `${bucket}.${url.host}`}${url.pathname.replace(/\/+$/, "")}`;
    return curl(`${base}${pathStyle ? `/${bucket}` : ""}/${path}`);
  }
  if (config.boot.auth === "keys")
    throw new BootlaceError("E_EXPORT", "With boot.auth: keys a machine has its keys before it has stage1, or never", {
      hint: "Use auth: role, or put keys and stage1 into an image: bootlace build, bootlace export packer.",
    });
  const more = [`--region '${region}'`, ...(endpoint === undefined ? [] : [`--endpoint-url '${endpoint}'`])].join(" ");
  return `aws s3 cp ${more} --only-show-errors 's3://${bucket}/${path}' stage1.tar.gz`;
}

const startScript = (fetch: string, digest: string): string => `#!/bin/sh
# Gets stage1, whose digest is known, installs it, and boots by it. Each boot after this one is the boot hook's.
set -eu
umask 077
cd ${FOLDER}
for try in 1 2 3 4 5 6; do
  ${fetch} && break
  [ "$try" -lt 6 ] || { echo 'bootlace: stage1 could not be fetched from the store' >&2; exit 1; }
  sleep "$((try * try))"
done
echo '${digest}  stage1.tar.gz' | sha256sum -c - >/dev/null || { echo 'bootlace: what the store has is not the stage1 that was exported' >&2; exit 1; }
tar -xzf stage1.tar.gz --no-same-owner
sh stage1/install --conf "$PWD/boot.conf"
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  exec systemctl start --no-block bootlace.service
fi
exec /usr/lib/bootlace/boot
`;
