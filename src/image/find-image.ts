import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { type ImageRecord, imageName, imagesFolder } from "./image-record.ts";
import type { ImageRecords } from "./records/image-records.ts";
import { openRecords } from "./records/open-records.ts";

/** The image that `NAME/ID` names; of a NAME the newest good one, else the newest that is not gone. */
export async function findImage(dir: string, target: string): Promise<ImageRecord | undefined> {
  return findIn(await openRecords(dir), target);
}

export async function findIn(records: ImageRecords, target: string): Promise<ImageRecord | undefined> {
  const [name = "", id] = target.split("/");
  if (id !== undefined) return records.get(name, id);
  const named = await records.named(name);
  return named.find(({ state }) => state === "good") ?? named.find(({ state }) => state !== "gone") ?? named[0];
}

/** The same. @throws {BootlaceError} `E_IMAGE_UNKNOWN`. */
export async function imageNamed(records: ImageRecords, target: string): Promise<ImageRecord> {
  const image = await findIn(records, target);
  if (image) return image;
  throw new BootlaceError("E_IMAGE_UNKNOWN", `There is no image ${target}`, {
    hint: "`bootlace image ls` lists them.",
  });
}

/** Whether all of an image's files lie at this desk; what its provider keeps lies everywhere. */
export const isHere = (dir: string, { layers }: Pick<ImageRecord, "layers">): boolean =>
  layers.every(({ file }) => existsSync(join(imagesFolder(dir), file)));

/**
 * The newest good image of a name that something here can start from; undefined where none was built here.
 *
 * Desks that share a table each have local images of their own.
 *
 * @param arch `x86_64` or `arm64`; without it any.
 */
export async function startImage(dir: string, name: string, arch?: string): Promise<ImageRecord | undefined> {
  const good = (await (await openRecords(dir)).named(name)).filter(({ state }) => state === "good");
  return good.find((image) => isHere(dir, image) && (arch === undefined || image.arch === arch));
}

/**
 * Tells why nothing can start from an image of that name.
 *
 * @throws {BootlaceError} `E_IMAGE_ELSEWHERE`, `E_IMAGE_STATE`, `E_IMAGE_UNKNOWN`.
 */
export async function refuseStart(dir: string, name: string): Promise<never> {
  const named = await (await openRecords(dir)).named(name);
  const hint = `Build it: bootlace build ${name}`;
  const [good] = named.filter(({ state }) => state === "good");
  if (good)
    throw new BootlaceError("E_IMAGE_ELSEWHERE", `The files of ${imageName(good)} lie at ${placeOfFiles(good)}`, {
      hint: `Build it here: bootlace build ${name}. Or copy .bootlace/images/${imageName(good)}, and those of its parents, from there.`,
    });
  const last = named.find(({ state }) => state !== "gone");
  if (!last) throw new BootlaceError("E_IMAGE_UNKNOWN", `Image ${name} was not built yet`, { hint });
  throw new BootlaceError(
    "E_IMAGE_STATE",
    `Nothing starts from ${imageName(last)}, which is ${last.state}${last.reason ? `: ${last.reason}` : ""}`,
    { hint },
  );
}

/** `build1:/srv/shop`, for a person. */
export function placeOfFiles({ desk }: Pick<ImageRecord, "desk">): string {
  if (!desk) return "another desk";
  return `${desk.host === hostname() ? "this computer" : desk.host}:${desk.dir}`;
}
