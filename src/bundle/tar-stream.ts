import { BootlaceError } from "../../stage2/index.ts";
import { LIMITS } from "./limits.ts";
import { padding, plainHeader, TAR_END } from "./tar-header.ts";

/** One file for {@link tarStream}, its bytes in memory. */
export interface TarFile {
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly bytes: Uint8Array;
}

/**
 * Writes a POSIX ustar archive whose bytes depend on paths, modes and contents alone: entries sorted by code unit,
 * folders written out, owner 0/0 without names, time 0. The same on every machine, umask and time zone.
 *
 * @throws {BootlaceError} `E_BUNDLE_NAME` for a path that a machine would refuse; `E_BUNDLE_LIMIT` for too much of it.
 */
export function tarStream(files: readonly TarFile[]): Buffer {
  const folders = new Set<string>();
  const seen = new Set<string>();
  for (const { path } of files) {
    checkPath(path);
    if (seen.has(path)) throw new BootlaceError("E_BUNDLE_NAME", `The bundle would hold "${path}" twice`);
    seen.add(path);
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) folders.add(path.slice(0, at));
  }
  for (const folder of folders) {
    if (seen.has(folder)) {
      throw new BootlaceError("E_BUNDLE_NAME", `The bundle would hold "${folder}" as a file and as a folder`);
    }
  }
  if (files.length + folders.size > LIMITS.entries) {
    throw new BootlaceError(
      "E_BUNDLE_LIMIT",
      `The bundle would hold ${files.length + folders.size} files and folders, at most ${LIMITS.entries} are allowed`,
      { hint: "Make an artifact of what is big (a tar.gz is one file), and keep scripts in the service's folder." },
    );
  }
  const entries: readonly (TarFile | { path: string; bytes: undefined })[] = [
    ...files,
    ...[...folders].map((path) => ({ path, bytes: undefined })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.bytes === undefined) {
      parts.push(header(`${entry.path}/`, 0o755, 0, "Directory"));
      continue;
    }
    parts.push(header(entry.path, entry.mode, entry.bytes.length, "File"), entry.bytes);
    parts.push(padding(entry.bytes.length));
  }
  // POSIX.1-2017 pax, "ustar Interchange Format": two blocks of zeros end an archive.
  parts.push(TAR_END);
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (bytes > LIMITS.unpackedBytes) {
    throw new BootlaceError(
      "E_BUNDLE_LIMIT",
      `The bundle would be ${bytes} bytes unpacked, at most ${LIMITS.unpackedBytes} are allowed`,
      { hint: "Declare big files under `artifacts:`; they are sent only where they are missing." },
    );
  }
  return Buffer.concat(parts, bytes);
}

function header(path: string, mode: number, size: number, type: "File" | "Directory"): Buffer {
  const made = plainHeader({ path, mode, size, type });
  if (made) return made;
  throw new BootlaceError("E_BUNDLE_NAME", `The path "${path}" is too long for a bundle`, {
    hint: "Shorten it: a file's own name may have 100 characters, its folders 155 together.",
  });
}

function checkPath(path: string): void {
  const problem =
    path.length === 0
      ? "is empty"
      : /[^ -~]/.test(path) || /[\\?]/.test(path)
        ? "holds a character that is not printable ASCII, or a backslash or question mark"
        : path.startsWith("/") ||
            path.endsWith("/") ||
            path.split("/").some((part) => part === "" || part === "." || part === "..")
          ? "is not a plain relative path"
          : / -> | link to |^ | $/.test(path)
            ? "cannot be told from a link in a listing, or begins or ends with a space"
            : path.length > LIMITS.pathBytes
              ? `is longer than ${LIMITS.pathBytes} characters`
              : undefined;
  if (problem !== undefined) {
    throw new BootlaceError("E_BUNDLE_NAME", `The path ${JSON.stringify(path)} ${problem}`, {
      hint: "Rename the file: machines with any shell and any tar must be able to check the name.",
    });
  }
}
