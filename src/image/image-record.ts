import { join } from "node:path";
import type { ParamValue } from "../../stage2/index.ts";
import type { Base, ImageCopy, Layer, Origin } from "../machine/machine.ts";
import type { Inventory } from "./inventory.ts";

/**
 * building: its build has not ended. good: it came up clean; only such a one matches a key or is started from.
 * quarantined: its smoke test failed, and its provider keeps it for whoever looks. deprecated: nothing new is to be made
 * from it. gone: the image was removed, and its record is history.
 */
export type ImageState = "building" | "good" | "quarantined" | "deprecated" | "gone";

/** Where the value of a parameter came from: `default`, `extends web`, `project`, `image`, `command line`. */
export interface ParamNote {
  readonly value: ParamValue;
  readonly from: string;
}

export type ParamNotes = Readonly<Record<string, Readonly<Record<string, ParamNote>>>>;

/** What an image is and where it comes from. docs/images.md tells of each field. */
export interface ImageRecord {
  readonly format: 3;
  /** Grows by one with each change: who changes a record says which one was seen. */
  readonly revision: number;
  readonly name: string;
  /** Begins with the moment of its build as `YYYYMMDDhhmmss`, so that names sort by age. */
  readonly id: string;
  readonly state: ImageState;
  /** Why it is in a state that is not good. */
  readonly reason?: string | undefined;
  /** Folder with the logs of the run that failed, at the desk that built it. */
  readonly logs?: string | undefined;
  /** imported: it was made by hand. */
  readonly provenance: "built" | "imported";
  /** Who built it: its local files lie in `dir` of that computer. Absent in records of 0.2.0. */
  readonly desk?: { readonly host: string; readonly dir: string };
  /** Milliseconds since 1970, as all times here: when it was good, before that when its record was written. */
  readonly created: number;
  readonly times: { readonly began?: number; readonly captured?: number; readonly proven?: number };
  readonly provider: string;
  readonly arch: string;
  /** SHA-256 (hex) of all that goes into it; an unchanged key returns this image. */
  readonly key: string;
  /** What the key was made of, for a person who asks why it changed. */
  readonly keyParts: Readonly<Record<string, unknown>>;
  /** The project's image that it was made from. */
  readonly parent?: { readonly name: string; readonly id: string };
  /** What it was made from: `base/20261130…`, or what its provider says of a base from elsewhere. */
  readonly base: string;
  /** `NAME/ID` of the first image of its line; an image that was made from none is its own. */
  readonly lineage: string;
  /** Roots: what it runs at boot. */
  readonly roots: readonly string[];
  readonly services: readonly { readonly name: string; readonly digest: string }[];
  /** By service. */
  readonly params: ParamNotes;
  /** Names alone: `shop.dbPassword`. */
  readonly secrets: readonly string[];
  readonly bundle: string;
  readonly runtime: string;
  /** Version of Bootlace that built it. */
  readonly builder: string;
  /** `name version`, sorted; recorded, not keyed. */
  readonly packages: readonly string[];
  /** Absent in records of 0.2.0 and of images that were made by hand. */
  readonly inventory?: Inventory;
  /** Its provider's notes on what it was made on; empty while it is building. */
  readonly origin: Origin;
  /** Base one first; the last one is its own. Files are relative to `.bootlace/images`. */
  readonly layers: readonly { readonly digest: string; readonly bytes: number; readonly file: string }[];
  /** What is paid for, where it is known: its own layer, or the volumes of its snapshots. */
  readonly bytes?: number;
  /** The same image in other regions. */
  readonly copies: readonly ImageCopy[];
  /** A person's own. */
  readonly tags: Readonly<Record<string, string>>;
}

export const imagesFolder = (dir: string): string => join(dir, ".bootlace", "images");
export const imageFolder = (dir: string, name: string, id: string): string => join(imagesFolder(dir), name, id);

/** `web/20261130120000-1f2e`, as everywhere. */
export const imageName = ({ name, id }: Pick<ImageRecord, "name" | "id">): string => `${name}/${id}`;

/** Its provider's notes on each copy that the provider keeps; none of an image whose files lie at a desk, or that never was there. */
export function keptOrigins({ origin, layers, copies }: Pick<ImageRecord, "origin" | "layers" | "copies">): Origin[] {
  const all = layers.length > 0 ? [] : [origin, ...copies.map((copy) => copy.origin)];
  return all.filter((each) => Object.keys(each).length > 0);
}

/** What a machine made from an image starts from. */
export function imageBase(dir: string, image: ImageRecord): Base {
  const layers = image.layers.map((layer): Layer => ({ ...layer, file: join(imagesFolder(dir), layer.file) }));
  return { kind: "layers", origin: image.origin, layers };
}
