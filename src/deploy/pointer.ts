import { BootlaceError } from "../../stage2/index.ts";

/** A blob as a pointer names it. */
export interface PointerBlob {
  /** SHA-256 of the tar.gz, hex. */
  readonly digest: string;
  /** Length of the tar.gz. */
  readonly bytes: number;
  /** Length of the tar stream in it. */
  readonly unpackedBytes: number;
}

/** The body of a channel pointer, docs/contracts.md, section 3. Times are seconds since 1970. */
export interface Pointer {
  readonly project: string;
  readonly channel: string;
  readonly epoch: number;
  readonly serial: number;
  readonly created: number;
  readonly expires?: number;
  readonly bundle: PointerBlob;
  /** By platform: `linux-x64-glibc`. */
  readonly runtimes: Readonly<Record<string, PointerBlob>>;
  /** Who published it, for people; machines ignore it. */
  readonly by?: string;
}

const MAX_BYTES = 8192;
const SIGNATURES = 4;
const FIRST_LINE = "bootlace-pointer 1";

/** Writes a pointer without signatures; `signatures` are whole `sig …` lines over what follows the empty line. */
export function encodePointer(pointer: Pointer, signatures: readonly string[] = []): string {
  return `${[FIRST_LINE, ...signatures].join("\n")}\n\n${pointerBody(pointer)}`;
}

/** What signatures are made over: everything after the empty line. */
export function pointerBody(pointer: Pointer): string {
  const { project, channel, epoch, serial, created, expires, bundle, runtimes, by } = pointer;
  const lines = [
    `project=${project}`,
    `channel=${channel}`,
    `epoch=${epoch}`,
    `serial=${serial}`,
    `created=${created}`,
    ...(expires === undefined ? [] : [`expires=${expires}`]),
    "handoff=1",
    `bundle=${blobText(bundle)}`,
    ...Object.entries(runtimes)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([platform, blob]) => `runtime.${platform}=${blobText(blob)}`),
    ...(by === undefined ? [] : [`by=${by.replace(/[^ -~]/g, "?").slice(0, 200)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Reads a pointer as strictly as stage1 does, since what the desk accepts a machine must accept.
 *
 * @throws {BootlaceError} `E_POINTER`, naming the line.
 */
export function parsePointer(text: string): Pointer {
  if (text.length > MAX_BYTES) throw wrong(`it is ${text.length} bytes long, at most ${MAX_BYTES} are allowed`);
  if (!text.endsWith("\n")) throw wrong("its last line has no end");
  const lines = text.slice(0, -1).split("\n");
  const odd = lines.findIndex((line) => /[^ -~]/.test(line));
  if (odd >= 0) throw wrong(`line ${odd + 1} is not printable ASCII`);
  if (lines[0] !== FIRST_LINE) throw wrong(`the first line is not "${FIRST_LINE}"`);
  const gap = lines.indexOf("");
  if (gap < 0) throw wrong("the empty line before the body is missing");
  const head = lines.slice(1, gap);
  const stranger = head.findIndex((line) => !/^sig [^ ]+ [^ ]+$/.test(line));
  if (stranger >= 0) throw wrong(`line ${stranger + 2} stands before the empty line and is not sig <keyid> <base64>`);
  if (head.length > SIGNATURES) throw wrong(`it has ${head.length} signatures, at most ${SIGNATURES} are allowed`);
  return readBody(readKeys(lines.slice(gap + 1), gap + 2));
}

function readKeys(lines: readonly string[], firstLine: number): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const [, key, value] = /^([a-z0-9.-]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw wrong(`line ${firstLine + index} is not key=value`);
    if (key === "must") {
      if (!KNOWN.test(value)) throw wrong(`it must not be read without knowing ${value}`);
      continue;
    }
    if (values.has(key)) throw wrong(`${key} stands twice`);
    values.set(key, value);
  }
  return values;
}

const KNOWN = /^(project|channel|epoch|serial|created|expires|handoff|bundle|runtime\..*)$/;

function readBody(values: ReadonlyMap<string, string>): Pointer {
  const text = (key: string): string => {
    const value = values.get(key);
    if (value === undefined) throw wrong(`${key} is missing`);
    return value;
  };
  const number = (key: string): number => {
    if (!/^(0|[1-9]\d{0,14})$/.test(text(key))) throw wrong(`${key}=${text(key)} is no plain number`);
    return Number(text(key));
  };
  if (text("handoff") !== "1") throw wrong(`it wants hand-off ${text("handoff")}, this version knows 1`);
  const runtimes: Record<string, PointerBlob> = {};
  for (const [key, value] of values) {
    if (key.startsWith("runtime.")) runtimes[key.slice("runtime.".length)] = readBlob(key, value);
  }
  const by = values.get("by");
  return {
    project: text("project"),
    channel: text("channel"),
    epoch: number("epoch"),
    serial: number("serial"),
    created: number("created"),
    ...(values.has("expires") ? { expires: number("expires") } : {}),
    bundle: readBlob("bundle", text("bundle")),
    runtimes,
    ...(by === undefined ? {} : { by }),
  };
}

function readBlob(key: string, value: string): PointerBlob {
  const [, digest, bytes, unpackedBytes] = /^([0-9a-f]{64}) (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14})$/.exec(value) ?? [];
  if (digest === undefined) throw wrong(`${key} is not <sha256> <bytes> <unpacked bytes>`);
  return { digest, bytes: Number(bytes), unpackedBytes: Number(unpackedBytes) };
}

function blobText({ digest, bytes, unpackedBytes }: PointerBlob): string {
  return `${digest} ${bytes} ${unpackedBytes}`;
}

function wrong(why: string): BootlaceError {
  return new BootlaceError("E_POINTER", `The channel pointer is not accepted: ${why}`);
}
