/** The file in a project's folder that holds the digests of what is fetched from elsewhere. */
export const LOCK_FILE = "bootlace.lock";

export interface Locked {
  /** SHA-256, hex. Of git: of the archive that Bootlace makes of the commit's tree. */
  readonly digest: string;
  readonly bytes: number;
}

/** By what {@link RemoteSource} calls `id`. */
export type Lock = ReadonlyMap<string, Locked>;

const FIRST = "bootlace-lock 1";
const NOTE = "# Digests of artifacts that are fetched: `<sha256> <bytes> <source>`. Written by `bootlace lock`.";

/** The text of a lock: a line for each source, sorted, so that a diff shows what changed and merges are plain. */
export function lockText(lock: Lock): string {
  const lines = [...lock]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { digest, bytes }]) => `${digest} ${bytes} ${id}`);
  return [FIRST, NOTE, ...lines, ""].join("\n");
}

export interface LockFault {
  readonly message: string;
  /** From 1. */
  readonly line: number;
}

/** Reads a lock. Goes on after a line that is wrong, so that all of them are told. */
export function parseLock(text: string): { readonly lock: Lock; readonly faults: readonly LockFault[] } {
  const lock = new Map<string, Locked>();
  const faults: LockFault[] = [];
  const [first, ...rest] = text.split("\n");
  if (first !== FIRST) {
    const newer = /^bootlace-lock \d+$/.test(first ?? "");
    const message = newer ? `This version reads "${FIRST}"; "${first}" came` : `Expected "${FIRST}"`;
    return { lock, faults: [{ message, line: 1 }] };
  }
  for (const [index, line] of rest.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const [, digest = "", bytes = "", id = ""] = /^([0-9a-f]{64}) (0|[1-9]\d{0,14}) (\S+)$/.exec(line) ?? [];
    const message = /^(?:<{7}|={7}|>{7}|\|{7})/.test(line)
      ? "A merge was not finished here: keep one line for each source, and run `bootlace lock`"
      : id === ""
        ? "Expected `<sha256> <bytes> <source>`"
        : lock.has(id)
          ? `${id} stands here twice`
          : undefined;
    if (message === undefined) lock.set(id, { digest, bytes: Number(bytes) });
    else faults.push({ message, line: index + 2 });
  }
  return { lock, faults };
}
