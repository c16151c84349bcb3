import { posix } from "node:path";
import type { Repositories } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import type { ServiceManifest } from "../manifest/service-schema.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";

/** Compiles `repositories:`; keys must be files of the service. */
export function compileRepositories(
  given: NonNullable<ServiceManifest["repositories"]>,
  definition: Definition,
  faults: FaultList,
): Repositories {
  const keyOf = (key: string | undefined, manager: string, index: number): { key?: string } => {
    if (key === undefined) return {};
    const path = posix.normalize(key);
    if (definition.files.has(path)) return { key: path };
    const near = didYouMean(path, definition.files.keys());
    faults.error(
      "E_PATH",
      `There is no file "${key}" in the service's folder`,
      definition.place(["repositories", manager, index, "key"]),
      {
        suggestion: near && `did you mean "./${near}"?`,
      },
    );
    return {};
  };
  return {
    apt: (given.apt ?? []).map(({ url, suite, components = ["main"], key }, index) => ({
      url,
      suite,
      components,
      ...keyOf(key, "apt", index),
    })),
    dnf: (given.dnf ?? []).map(
      ({ url, name = `${definition.name.replaceAll("/", "-")}-${index0(given.dnf, url)}`, key }, index) => ({
        url,
        name,
        ...keyOf(key, "dnf", index),
      }),
    ),
    apk: (given.apk ?? []).map(({ url, key }, index) => ({ url, ...keyOf(key, "apk", index) })),
  };
}

const index0 = (all: readonly { url: string }[] = [], url: string): number =>
  all.findIndex((one) => one.url === url) + 1;
