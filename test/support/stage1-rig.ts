import { type ChildProcess, spawn } from "node:child_process";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import { encodePointer, type Pointer, type PointerBlob, pointerBody } from "../../src/deploy/pointer.ts";
import { keyId, trustFileText } from "../../src/trust/trusted-key.ts";

const STAGE1 = fileURLToPath(new URL("../../stage1/stage1", import.meta.url));

/** The shells that stage1 promises, and the Debian package that has each. */
export const SHELLS = [
  { name: "dash", argv: ["dash"], package: "dash" },
  { name: "busybox ash", argv: ["busybox", "ash"], package: "busybox" },
  { name: "bash --posix", argv: ["bash", "--posix"], package: "bash" },
  { name: "mksh", argv: ["mksh"], package: "mksh" },
  { name: "yash", argv: ["yash"], package: "yash" },
] as const;

/** What a stage2 of these tests does: `good` closes its run, `crash` dies before its plan. All append to `ran`. */
export type Stage2Kind = "good" | "crash" | "killed-later" | "refused" | "waits";

const BODY: Record<Stage2Kind, string> = {
  good: `write("ready", ""); write("result", "outcome=done\\nexit=0\\nrun=r1\\n");`,
  crash: `process.exit(9);`,
  "killed-later": `write("ready", ""); process.kill(process.pid, "SIGKILL");`,
  waits: `process.on("SIGTERM", () => { write("ready", ""); write("result", "outcome=interrupted\\nexit=143\\n"); process.exit(143); });
setInterval(() => {}, 1000);
process.stderr.write("waiting\\n");`,
  refused: `write("result", "outcome=failed\\nexit=7\\nrun=r1\\n"); process.exit(7);`,
};

/** A small stage2 that records how it was called. `mark` tells bundles apart. */
export function fakeStage2(mark: string, kind: Stage2Kind = "good"): string {
  return `import { appendFileSync, readlinkSync, writeFileSync } from "node:fs";
const state = process.env.BOOTLACE_ROOT.replace(/\\/$/, "") + "/var/lib/bootlace";
const write = (name, text) => writeFileSync(state + "/handoff/" + name, text);
let lock = "";
try { lock = readlinkSync("/proc/self/fd/9"); } catch {}
const { BOOTLACE_STAGE1: stage1, BOOTLACE_DEGRADED: degraded, BOOTLACE_BUNDLE: bundle } = process.env;
appendFileSync(state + "/ran", JSON.stringify({ mark: ${JSON.stringify(mark)}, args: process.argv.slice(2), pid: process.pid, node: process.execPath, lock, stage1, degraded, bundle }) + "\\n");
${BODY[kind]}
`;
}

export interface Ran {
  readonly mark: string;
  readonly args: readonly string[];
  readonly pid: number;
  readonly node: string;
  readonly lock: string;
  readonly stage1: string;
  readonly degraded: string;
  readonly bundle: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A key of these tests, for some epochs. */
export class TestKey {
  private readonly pair = generateKeyPairSync("ed25519");
  readonly id = keyId(this.pair.publicKey);
  readonly from: number;
  readonly to: number;

  constructor(from = 1, to = from) {
    this.from = from;
    this.to = to;
  }

  /** What stands in `trust/<id>.pem`. */
  get trustFile(): string {
    return trustFileText({ ...this, publicKey: this.pair.publicKey });
  }

  /** The `sig` line over a pointer's body. */
  line(body: string): string {
    return `sig ${this.id} ${sign(null, Buffer.from(body, "latin1"), this.pair.privateKey).toString("base64")}`;
  }
}

/** A machine's root and a store, both in one temporary folder. The machine trusts `key`, which signs what is pointed to. */
export class Stage1Rig {
  readonly home = mkdtempSync(join(tmpdir(), "bootlace-stage1-"));
  readonly root = join(this.home, "root");
  readonly store = join(this.home, "store");
  readonly state = join(this.root, "var/lib/bootlace");
  /** `/etc/bootlace/trust` of the machine. */
  readonly trust = join(this.root, "etc/bootlace/trust");
  readonly key = new TestKey();
  private serial = 0;

  constructor(conf: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.trust, { recursive: true });
    this.trustKey(this.key);
    for (const folder of ["bundles", "runtimes", "artifacts", "channels"]) {
      mkdirSync(join(this.store, folder), { recursive: true });
    }
    this.writeConf(conf);
  }

  /** Writes boot.conf; what is not given has the values of these tests. */
  writeConf(conf: Readonly<Record<string, string>> = {}): void {
    const all = {
      v: "1",
      store: `file://${this.store}`,
      project: "shop",
      channel: "prod",
      runtime: "system",
      deadline: "3",
      ...conf,
    };
    const text = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(join(this.root, "etc/bootlace/boot.conf"), text.join(""));
  }

  trustKey(key: TestKey): void {
    writeFileSync(join(this.trust, `${key.id}.pem`), key.trustFile);
  }

  /** Puts a tar stream into the store as a blob; returns what a pointer says of it. */
  putTar(tar: Buffer, kind: "bundles" | "runtimes" = "bundles"): PointerBlob {
    const blob = gzipSync(tar);
    const digest = createHash("sha256").update(blob).digest("hex");
    writeFileSync(join(this.store, kind, `${digest}.tar.gz`), blob);
    return { digest, bytes: blob.length, unpackedBytes: tar.length };
  }

  putBundle(mark: string, kind: Stage2Kind = "good", more: Readonly<Record<string, string>> = {}): PointerBlob {
    const files = Object.entries({
      "stage2.mjs": fakeStage2(mark, kind),
      "services/web/update.sh": "#!/bin/sh\n",
      ...more,
    });
    return this.putTar(tarStream(files.map(([path, text]) => ({ path, mode: 0o644, bytes: Buffer.from(text) }))));
  }

  /** Points the channel to a bundle with the next serial, signed by `signers`; returns the text. */
  point(bundle: PointerBlob, more: Partial<Pointer> = {}, signers: readonly TestKey[] = [this.key]): string {
    this.serial = more.serial ?? this.serial + 1;
    const text = this.pointerText({ bundle, ...more, serial: this.serial }, signers);
    this.pointText(text);
    return text;
  }

  /** Another channel than `prod`, at its first serial. */
  pointChannel(channel: string, bundle: PointerBlob): void {
    writeFileSync(join(this.store, "channels", channel), this.pointerText({ bundle, channel, serial: 1 }, [this.key]));
  }

  private pointerText(
    more: Pick<Pointer, "bundle" | "serial"> & Partial<Pointer>,
    signers: readonly TestKey[],
  ): string {
    const pointer = { project: "shop", channel: "prod", epoch: 1, created: 1795000000, runtimes: {}, ...more };
    const body = pointerBody(pointer);
    return encodePointer(
      pointer,
      signers.map((key) => key.line(body)),
    );
  }

  /** Any text as the channel's pointer, its body signed again. */
  pointSigned(text: string): void {
    this.pointText(this.resign(text));
  }

  /** The same body with the signature that it needs; what is no pointer stays as it is. */
  resign(text: string): string {
    const gap = text.indexOf("\n\n");
    if (gap < 0) return text;
    const head = text
      .slice(0, gap)
      .split("\n")
      .filter((line) => !line.startsWith("sig "));
    const body = text.slice(gap + 2);
    return `${[...head, this.key.line(body)].join("\n")}\n\n${body}`;
  }

  pointText(text: string): void {
    writeFileSync(join(this.store, "channels/prod"), text, "latin1");
  }

  /** Puts an artifact into the store. */
  putArtifact(text: string): { readonly digest: string; readonly bytes: number } {
    const digest = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(this.store, "artifacts", digest), text);
    return { digest, bytes: Buffer.byteLength(text) };
  }

  start(
    shell: readonly string[],
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    flags: readonly string[] = [],
    file = STAGE1,
  ): ChildProcess {
    const words = [...flags, "--root", this.root, ...(args.length > 0 ? ["--", ...args] : [])];
    return startStage1(shell, words, env, file);
  }

  run(
    shell: readonly string[] = ["sh"],
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    flags: readonly string[] = [],
    file = STAGE1,
  ): Promise<Outcome> {
    return ended(this.start(shell, args, env, flags, file));
  }

  /** Every stage2 that ran, in order. */
  ran(): readonly Ran[] {
    const file = join(this.state, "ran");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Ran);
  }

  marks(): readonly string[] {
    return this.ran().map(({ mark }) => mark);
  }

  record(name: "current" | "good"): Readonly<Record<string, string>> | undefined {
    const file = join(this.state, name);
    if (!existsSync(file)) return undefined;
    return Object.fromEntries(
      readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split("=") as [string, string]),
    );
  }

  dispose(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** stage1 by some shell, in a process group of its own, so that a test can kill all of it. */
export function startStage1(
  [command = "sh", ...rest]: readonly string[],
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  file = STAGE1,
): ChildProcess {
  return spawn(command, [...rest, file, ...words], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
}

export function ended(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stderr }));
  });
}
