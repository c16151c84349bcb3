import { readFile } from "node:fs/promises";
import type { IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from "ssh2";
import ssh2 from "ssh2";
import type { LoginClock } from "./log-in.ts";
import { isLocked, publicHalf, readPrivateKey } from "./private-key.ts";
import type { SshSettings } from "./ssh-settings.ts";
import { type AskSecret, unlockKey } from "./unlock-key.ts";

interface FileKey {
  readonly file: string;
  readonly text: string;
  readonly open: ParsedKey | undefined;
}

/**
 * All keys of a login as one agent: those of the real agent and those in files, in ssh(1)'s order. A host is asked
 * whether it would take a key before the key has to sign, so a passphrase is asked only for a key that lets in.
 */
export class LoginKeys extends ssh2.BaseAgent<ParsedKey> {
  /** What became of each key, for the error. */
  readonly told: string[] = [];
  readonly #settings: SshSettings;
  readonly #ask: AskSecret | undefined;
  readonly #agent: InstanceType<typeof ssh2.OpenSSHAgent> | undefined;
  readonly #files = new Map<string, FileKey>();
  #offered = 0;

  readonly #clock: LoginClock;

  /** @param clock stands still while a person is asked, also on behalf of another host that wants the same key. */
  constructor(settings: SshSettings, ask: AskSecret | undefined, clock: LoginClock) {
    super();
    this.#clock = clock;
    this.#settings = settings;
    this.#ask = ask;
    this.#agent = settings.agent === undefined ? undefined : new ssh2.OpenSSHAgent(settings.agent);
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    this.#identities().then(
      (keys) => {
        this.#offered = keys.length;
        done(undefined, [...keys]);
      },
      (error: Error) => done(error),
    );
  }

  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions, done?: SignCallback): void;
  override sign(key: ParsedKey, data: Buffer, done: SignCallback): void;
  override sign(key: ParsedKey, data: Buffer, ...rest: readonly (SigningRequestOptions | SignCallback | undefined)[]) {
    const done = rest.find((part) => typeof part === "function") ?? (() => {});
    const options = rest.find((part) => typeof part === "object") ?? {};
    const held = this.#files.get(idOf(key));
    if (!held) {
      this.#agent?.sign(key, data, options, done);
      return;
    }
    this.#signWithFile(held, data, options.hash).then(
      (signature) => done(undefined, signature),
      (error: Error) => done(error),
    );
  }

  /** What was tried, for people. */
  summary(): string {
    const count = this.#offered;
    const offered = count === 0 ? "no key was at hand" : `${count} ${count === 1 ? "key was" : "keys were"} offered`;
    return [offered, ...this.told].join("; ");
  }

  async #identities(): Promise<readonly ParsedKey[]> {
    const held = await this.#agentKeys();
    const files = await this.#fileKeys();
    const inFiles = new Set(files.map(idOf));
    const inAgent = new Set(held.map(idOf));
    // ssh(1): keys of the agent that are configured, the agent's others, then those in files alone.
    const first = held.filter((key) => inFiles.has(idOf(key)));
    const others = this.#settings.identitiesOnly ? [] : held.filter((key) => !inFiles.has(idOf(key)));
    for (const key of first) this.#files.delete(idOf(key));
    return [...first, ...others, ...files.filter((key) => !inAgent.has(idOf(key)) && this.#files.has(idOf(key)))];
  }

  #agentKeys(): Promise<readonly ParsedKey[]> {
    const agent = this.#agent;
    if (!agent) return Promise.resolve([]);
    return new Promise((resolve) => {
      agent.getIdentities((error, keys) => {
        if (error) this.told.push(`the agent at ${this.#settings.agent} did not answer: ${error.message}`);
        resolve((keys ?? []) as readonly ParsedKey[]);
      });
    });
  }

  async #fileKeys(): Promise<readonly ParsedKey[]> {
    const keys: ParsedKey[] = [];
    for (const file of this.#settings.identityFiles) {
      const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") this.told.push(`${file} cannot be read (${error.code})`);
        return undefined;
      });
      try {
        if (text === undefined) {
          // The public half alone names a key of the agent.
          const half = await readFile(`${file}.pub`).catch(() => undefined);
          if (half) keys.push(parsedPublic(half));
          continue;
        }
        const key = await this.#publicKey(file, text);
        if (!key || this.#files.has(idOf(key))) continue;
        this.#files.set(idOf(key), { file, text, open: isLocked(text) ? undefined : readPrivateKey(text) });
        keys.push(key);
      } catch (error) {
        this.told.push(`${file} cannot be used: ${(error as Error).message}`);
      }
    }
    return keys;
  }

  /** The public half, without a passphrase where there is any way. */
  async #publicKey(file: string, text: string): Promise<ParsedKey | undefined> {
    if (!isLocked(text)) return readPrivateKey(text);
    const half = publicHalf(text) ?? (await readFile(`${file}.pub`).catch(() => undefined));
    if (half) return parsedPublic(half);
    return this.#unlock(file, text);
  }

  async #unlock(file: string, text: string): Promise<ParsedKey | undefined> {
    const key = await this.#clock.pause(() => unlockKey(file, text, this.#ask));
    if (typeof key !== "string") return key;
    this.told.push(`${file} ${key}`);
    return undefined;
  }

  async #signWithFile(held: FileKey, data: Buffer, hash: string | undefined): Promise<Buffer> {
    const key = held.open ?? (await this.#unlock(held.file, held.text));
    if (!key) throw new Error(`${held.file} is locked`);
    const signature: Buffer | Error = key.sign(data, hash);
    if (signature instanceof Error) throw signature;
    return signature;
  }
}

const idOf = (key: ParsedKey): string => key.getPublicSSH().toString("base64");

function parsedPublic(half: Buffer): ParsedKey {
  const key = ssh2.utils.parseKey(half);
  if (key instanceof Error) throw key;
  const [one] = Array.isArray(key) ? key : [key];
  if (!one) throw new Error("it holds no key");
  return one;
}
