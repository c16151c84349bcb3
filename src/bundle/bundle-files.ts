import { readdir, readFile } from "node:fs/promises";
import { packageRoot } from "../cli/package-root.ts";
import { VERSION } from "../cli/version.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { trustFiles } from "../trust/trust.ts";
import { artifactsList } from "./artifacts-list.ts";
import type { BundleFile } from "./bundle-file.ts";
import { canonicalJson } from "./canonical-json.ts";
import { runnerFile } from "./runner-file.ts";

/** What of a loaded project goes into its bundle; enough to make one in a test without a folder. */
export type BundleInput = Pick<LoadedProject, "dir" | "project" | "files">;

/** Everything that a bundle of this project holds; docs/bundle.md lists it. */
export async function bundleFiles(loaded: BundleInput): Promise<readonly BundleFile[]> {
  const text = (path: string, content: string): BundleFile => ({
    path,
    mode: 0o644,
    content: { bytes: Buffer.from(content) },
  });
  return [
    text("project.json", canonicalJson(loaded.project)),
    text("artifacts.list", artifactsList(loaded.project)),
    text("version", `${VERSION}\n`),
    { path: "stage2.mjs", mode: 0o644, content: { bytes: await runnerFile() } },
    ...(await stage1Files()),
    ...(await trustFiles(loaded.dir)).map(({ path, content }) => text(path, content)),
    ...loaded.files,
  ];
}

/** stage1 as the package ships it, so that a machine can install the one that belongs to its bundle. */
export async function stage1Files(): Promise<readonly BundleFile[]> {
  const folder = new URL("stage1/", packageRoot());
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(new URL(name, folder));
      // By content, not by mode: a checkout on another file system may have lost the bit.
      const mode = bytes.subarray(0, 2).toString() === "#!" ? 0o755 : 0o644;
      return { path: `stage1/${name}`, mode, content: { bytes } } as const;
    }),
  );
}
