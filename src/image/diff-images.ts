import type { ImageRecord } from "./image-record.ts";

/** One thing that differs. `before` is absent where it came, `after` where it went. */
export interface Difference {
  /** `packages`, `units`, `users`, `ports`, `services`, `params`, or `files of SERVICE`. */
  readonly part: string;
  readonly what: string;
  readonly before?: string;
  readonly after?: string;
}

type Things = Readonly<Record<string, string>>;

/** What is other in the second image, by parts, in the order in which a person asks for them. */
export function diffImages(before: ImageRecord, after: ImageRecord): readonly Difference[] {
  return [
    ...differ("services", services(before), services(after)),
    ...differ("params", params(before), params(after)),
    ...differ("packages", packages(before), packages(after)),
    ...differ("units", listed(before.inventory?.units), listed(after.inventory?.units)),
    ...differ("users", users(before), users(after)),
    ...differ("ports", listed(before.inventory?.ports), listed(after.inventory?.ports)),
    ...files(before, after),
  ];
}

/** Whether both were looked at when they were built; else a diff says nothing of units, users, ports and files. */
export const haveInventories = (...images: readonly ImageRecord[]): boolean =>
  images.every(({ inventory }) => inventory !== undefined);

function differ(part: string, before: Things, after: Things): readonly Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((what) => before[what] !== after[what])
    .map((what) => {
      const [was, is] = [before[what], after[what]];
      return { part, what, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) };
    });
}

function files(before: ImageRecord, after: ImageRecord): readonly Difference[] {
  if (!haveInventories(before, after)) return [];
  const [was, is] = [before.inventory?.files ?? {}, after.inventory?.files ?? {}];
  const owners = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  return owners.flatMap((owner) =>
    differ(owner === "machine" ? "files" : `files of ${owner}`, was[owner] ?? {}, is[owner] ?? {}),
  );
}

const services = (image: ImageRecord): Things =>
  Object.fromEntries(image.services.map(({ name, digest }) => [name, digest.slice(0, 12)]));

const params = (image: ImageRecord): Things =>
  Object.fromEntries(
    Object.entries(image.params).flatMap(([service, values]) =>
      Object.entries(values).map(([name, { value }]) => [`${service}.${name}`, JSON.stringify(value)]),
    ),
  );

/** Two versions of one package may be installed, as kernels are. */
function packages(image: ImageRecord): Things {
  const versions: Record<string, string> = {};
  for (const line of image.packages) {
    const [name = "", version = ""] = line.split(" ");
    versions[name] = versions[name] === undefined ? version : `${versions[name]}, ${version}`;
  }
  return versions;
}

const listed = (names: readonly string[] = []): Things => Object.fromEntries(names.map((name) => [name, ""]));

const users = ({ inventory }: ImageRecord): Things =>
  Object.fromEntries(
    (inventory?.users ?? []).map((line) => {
      const [name = "", ...rest] = line.split(" ");
      return [name, rest.join(" ")];
    }),
  );
