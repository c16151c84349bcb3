import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { Place, Script } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { parseDuration } from "../manifest/duration.ts";
import type { ScriptManifest } from "../manifest/service-schema.ts";
import type { Path } from "../manifest/source-file.ts";
import type { BundledScripts } from "./bundle-scripts.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";

/** A file of the compiled service that does not stand at the desk as it is. */
export interface MadeFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface ScriptParts {
  readonly definition: Definition;
  readonly faults: FaultList;
  readonly made: Map<string, MadeFile>;
  readonly bundled: BundledScripts;
}

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** True for what names a file of the service; everything else is shell. */
export const isFileReference = (run: string): boolean => /^\.{1,2}\/[^\n]*$/.test(run.trim());

/** Scripts of these kinds are bundled with the npm packages they import and run on the runtime. */
export const isNodeScript = (path: string): boolean => /\.m?ts$|\.mjs$/.test(path);

/**
 * Compiles a phase, an action or a ready check.
 *
 * @param name What an inline script is called in `.bootlace/`: `init`, `action-reload`.
 * @param path Where it stands in service.yaml.
 * @returns Undefined when it has faults, which are reported.
 */
export function compileScript(given: ScriptManifest, name: string, path: Path, parts: ScriptParts): Script | undefined {
  const { definition, faults, made } = parts;
  const { run, user, timeout, attempts = 1, backoff = "1s" } = typeof given === "string" ? { run: given } : given;
  // Places cost another parse of the file, so they are looked up for faults only.
  const at = (): Place => definition.place(typeof given === "string" ? path : [...path, "run"]);
  const rest = {
    ...(user === undefined ? {} : { user }),
    ...(timeout === undefined ? {} : { timeout: parseDuration(timeout) ?? 0 }),
    attempts,
    backoff: parseDuration(backoff) ?? 1000,
  };
  if (run.trim() === "") {
    faults.error("E_SCRIPT_EMPTY", `The script of ${path.join(".")} is empty`, at());
    return undefined;
  }
  if (!isFileReference(run)) {
    if (definition.files.has(run.trim())) {
      faults.warning("E_PATH", `"${run.trim()}" is run as a command, not as the file of that name`, at(), {
        suggestion: `did you mean "./${run.trim()}"?`,
      });
    }
    const bytes = Buffer.from(inlineScript(run));
    const file = `.bootlace/${name}`;
    made.set(file, { path: file, bytes });
    return { file, with: "exec", ...rest, digest: sha256(bytes) };
  }
  const file = checkScriptFile(run.trim(), at, parts);
  return file && { ...file, ...rest };
}

/** Ends at the first failure and at unset variables, unless the text brings a `#!` line of its own. */
const inlineScript = (text: string): string => {
  const body = text.endsWith("\n") ? text : `${text}\n`;
  return body.startsWith("#!") ? body : `#!/bin/sh -eu\n${body}`;
};

function checkScriptFile(
  run: string,
  at: () => Place,
  { definition, faults, made, bundled }: ScriptParts,
): Pick<Script, "file" | "with" | "digest"> | undefined {
  const path = posix.normalize(run);
  if (path.startsWith("../") || path === ".." || path === ".") {
    faults.error("E_PATH", `Expected a file below the service's folder, "${run}" came`, at());
    return undefined;
  }
  const file = definition.files.get(path);
  if (file === undefined) {
    const near = didYouMean(path, definition.files.keys());
    const folder = [...definition.files.keys()].some((other) => other.startsWith(`${path}/`));
    faults.error(
      "E_SCRIPT_MISSING",
      folder
        ? `Expected a script, "${run}" is a folder`
        : `There is no file "${run}" in the folder of ${definition.name}`,
      at(),
      { suggestion: near && `did you mean "./${near}"?` },
    );
    return undefined;
  }
  if (isNodeScript(path)) {
    const result = bundled.get(file.file);
    if (result === undefined || "message" in result) {
      faults.error("E_SCRIPT_BUILD", result?.message ?? `${path} was not bundled`, result?.place ?? at());
      return undefined;
    }
    const target = `.bootlace/${path.replaceAll("/", "~").replace(/\.m?[tj]s$/, "")}.mjs`;
    made.set(target, { path: target, bytes: result.bytes });
    return { file: target, with: "node", digest: sha256(result.bytes) };
  }
  const problem = scriptProblem(file.bytes);
  if (problem) {
    faults.error(problem.code, `${path} ${problem.message}`, at(), { suggestion: problem.suggestion });
    return undefined;
  }
  return { file: path, with: "exec", digest: sha256(file.bytes) };
}

function scriptProblem(
  bytes: Uint8Array,
): { code: "E_SCRIPT_EMPTY" | "E_SCRIPT_SHEBANG" | "E_SCRIPT_CRLF"; message: string; suggestion?: string } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isElf(bytes)) return undefined;
  if (buffer.length === 0) return { code: "E_SCRIPT_EMPTY", message: "is empty" };
  const crlf = buffer.indexOf("\r\n");
  if (crlf >= 0) {
    const line = buffer.subarray(0, crlf).toString("latin1").split("\n").length;
    return {
      code: "E_SCRIPT_CRLF",
      message: `has Windows line ends, first in line ${line}`,
      suggestion: "save it with LF line ends",
    };
  }
  if (buffer[0] !== 0x23 || buffer[1] !== 0x21) {
    return {
      code: "E_SCRIPT_SHEBANG",
      message: "does not begin with #!",
      suggestion: "add the line #!/bin/sh -eu on top",
    };
  }
  return undefined;
}

const isElf = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Mode in the bundle: by content, so that it is the same from any desk, umask and file system. */
export const modeOf = (bytes: Uint8Array): 0o644 | 0o755 =>
  isElf(bytes) || (bytes[0] === 0x23 && bytes[1] === 0x21) ? 0o755 : 0o644;
