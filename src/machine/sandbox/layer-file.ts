import { mkdir, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { hashStream } from "../../artifacts/hash-file.ts";
import { assertLayer } from "../assert-layer.ts";
import type { Layer } from "../machine.ts";
import { runLocalChecked } from "../run-local.ts";
import { unpackedLayer } from "./sandbox-spec.ts";

/** What makes a layer more than its files: opaque folders, capabilities of programs, a user's own attributes. */
const ATTRIBUTES = [
  "--xattrs",
  "--xattrs-include=trusted.overlay.opaque",
  "--xattrs-include=security.capability",
  "--xattrs-include=user.*",
  "--acls",
];

/**
 * Writes an upper layer as one tar file, named by nothing yet; whiteouts are character devices in it. Nobody but us may
 * read it: files that are root's alone in the layer, such as /etc/shadow, are open to whoever reads the archive.
 */
export async function packLayer(upper: string, file: string): Promise<Layer> {
  await rm(file, { force: true });
  await (await open(file, "wx", 0o600)).close();
  const command = [
    "tar",
    "--create",
    `--file=${file}`,
    "--sparse",
    "--numeric-owner",
    "--sort=name",
    "--format=posix",
    ...ATTRIBUTES,
  ];
  await runLocalChecked([...command, `--directory=${upper}`, "."], "E_MACHINE_STATE");
  return { ...(await hashStream(file)), file };
}

/**
 * Unpacks a layer once for all machines of a depot, after its digest is checked.
 *
 * @throws {BootlaceError} `E_IMAGE_DAMAGED`.
 */
export async function unpackLayer(layer: Layer, depot: string): Promise<string> {
  const folder = unpackedLayer(depot, layer.digest);
  if (await stat(folder).catch(() => undefined)) return folder;
  await assertLayer(layer);
  await mkdir(join(depot, "layers"), { recursive: true, mode: 0o700 });
  const beside = await mkdtemp(`${folder}.`);
  try {
    const command = [
      "tar",
      "--extract",
      `--file=${layer.file}`,
      "--numeric-owner",
      "--same-permissions",
      "--same-owner",
    ];
    await runLocalChecked(
      [...command, "--xattrs", "--xattrs-include=*", "--acls", `--directory=${beside}`],
      "E_IMAGE_DAMAGED",
    );
    await rename(beside, folder);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    // Another process may have been quicker; a folder under the digest's name is always whole.
    if (!(await stat(folder).catch(() => undefined))) throw error;
  }
  return folder;
}
