import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { shownBytes } from "../../stage2/index.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import type { FaultList } from "./fault-list.ts";
import type { Stamps } from "./stamps.ts";

export interface FolderFile {
  /** Relative to the service's folder, `/`-separated. */
  readonly path: string;
  /** Absolute. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Left by editors, version control and package managers; never part of a service. */
const IGNORED = /^(?:node_modules|\.git|\.DS_Store|.*~|\..*\.sw[a-p]|__pycache__)$/;

/** Above this a file belongs into an artifact: a bundle travels at every change. */
const LARGE = 8 * 1024 * 1024;

/**
 * Reads all files of a service's folder, service.yaml apart. Links to files within the folder become copies; whatever
 * else is neither file nor folder is a fault.
 *
 * @param dir Absolute.
 * @param source service.yaml, for the place of faults.
 */
export function readServiceFolder(dir: string, source: SourceFile, stamps: Stamps, faults: FaultList): FolderFile[] {
  const files: FolderFile[] = [];
  const here = (): ReturnType<SourceFile["placeAt"]> => source.placeAt(0);
  const waiting = [""];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (folder !== "") stamps.add(join(dir, folder));
    for (const entry of readdirSync(folder === "" ? dir : join(dir, folder), { withFileTypes: true })) {
      if (IGNORED.test(entry.name) || (folder === "" && entry.name === "service.yaml")) continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const file = `${dir}/${path}`;
      if (/[\u0000-\u001f\u007f\\]/.test(entry.name)) {
        faults.error(
          "E_FILE_KIND",
          `The file name ${JSON.stringify(path)} has control characters or a backslash`,
          here(),
        );
      } else if (path === ".bootlace") {
        faults.error("E_FILE_KIND", "The name .bootlace is reserved for compiled scripts", here());
      } else if (entry.isDirectory()) {
        waiting.push(path);
      } else if (entry.isFile()) {
        files.push(readOne(path, file, stamps));
      } else if (entry.isSymbolicLink()) {
        const target = linkTarget(file, dir);
        if (target) files.push({ ...readOne(path, file, stamps), bytes: readOne(path, target, stamps).bytes });
        else faults.error("E_SYMLINK", `The link ${path} leads to no file within the folder`, here());
      } else {
        faults.error("E_FILE_KIND", `${path} is neither a file nor a folder`, here());
      }
    }
  }
  for (const { path, bytes } of files) {
    if (bytes.length <= LARGE) continue;
    faults.warning("E_FILE_KIND", `${path} has ${shownBytes(bytes.length)} and travels in every bundle`, here(), {
      suggestion: "move it out of the folder and name it under `artifacts`",
    });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function readOne(path: string, file: string, stamps: Stamps): FolderFile {
  stamps.add(file);
  return { path, file, bytes: readFileSync(file) };
}

function linkTarget(file: string, dir: string): string | undefined {
  try {
    const target = realpathSync(file);
    return target.startsWith(realpathSync(dir) + sep) && statSync(target).isFile() ? target : undefined;
  } catch {
    return undefined;
  }
}
