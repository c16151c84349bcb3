import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Base, Layer, Origin } from "../machine/machine.ts";
import { readJson, writeJson } from "../machine/machine-folder.ts";

/** `.bootlace/images/<name>/<id>/image.json`: what an image is and where it comes from. */
export interface ImageRecord {
  readonly format: 2;
  readonly name: string;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly provider: string;
  readonly arch: string;
  /** SHA-256 (hex) of all that goes into it; an unchanged key returns this image. */
  readonly key: string;
  /** What the key was made of, for a person who asks why it changed. */
  readonly keyParts: Readonly<Record<string, unknown>>;
  /** The project's image that it was made from. */
  readonly parent?: { readonly name: string; readonly id: string };
  /** Roots: what it runs at boot. */
  readonly roots: readonly string[];
  readonly services: readonly { readonly name: string; readonly digest: string }[];
  readonly bundle: string;
  readonly runtime: string;
  /** `name version`, sorted; recorded, not keyed. */
  readonly packages: readonly string[];
  /** Its provider's notes on what it was made on. */
  readonly origin: Origin;
  /** Base one first; the last one is its own. Files are relative to `.bootlace/images`. */
  readonly layers: readonly { readonly digest: string; readonly bytes: number; readonly file: string }[];
}

export const imagesFolder = (dir: string): string => join(dir, ".bootlace", "images");
export const imageFolder = (dir: string, name: string, id: string): string => join(imagesFolder(dir), name, id);

/** Writes the record last: an image without one does not exist. */
export const writeImage = (dir: string, image: ImageRecord): Promise<void> =>
  writeJson(join(imageFolder(dir, image.name, image.id), "image.json"), image);

/** All images of the project, by name, newest first. */
export async function listImages(dir: string): Promise<readonly ImageRecord[]> {
  const found: ImageRecord[] = [];
  for (const name of (await readdir(imagesFolder(dir)).catch(() => [])).sort()) {
    const ids = await readdir(join(imagesFolder(dir), name)).catch(() => []);
    const records = await Promise.all(ids.map((id) => readImage(join(imageFolder(dir, name, id), "image.json"))));
    found.push(...records.filter((record) => record !== undefined).sort((a, b) => b.created - a.created));
  }
  return found;
}

/** The record of 0.1.0, when sandboxes were all there was. */
type FormerRecord = Omit<ImageRecord, "format" | "origin"> & {
  readonly format: 1;
  readonly root: string;
  readonly rootState: string;
};

async function readImage(file: string): Promise<ImageRecord | undefined> {
  const record = await readJson<ImageRecord | FormerRecord>(file);
  if (record?.format !== 1) return record;
  const { root, rootState, ...rest } = record;
  return { ...rest, format: 2, origin: { root, rootState } };
}

/** The newest image of a name, or the one that `NAME/ID` names. */
export async function findImage(dir: string, target: string): Promise<ImageRecord | undefined> {
  const [name, id] = target.split("/");
  return (await listImages(dir)).find((image) => image.name === name && (id === undefined || image.id === id));
}

/** What a machine made from an image starts from. */
export function imageBase(dir: string, image: ImageRecord): Base {
  const layers = image.layers.map((layer): Layer => ({ ...layer, file: join(imagesFolder(dir), layer.file) }));
  return { kind: "layers", origin: image.origin, layers };
}

export const removeImage = (dir: string, name: string, id: string): Promise<void> =>
  rm(imageFolder(dir, name, id), { recursive: true, force: true });
