import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { openSsh, type SshAccess } from "../../src/session/open-ssh.ts";
import type { SshSession } from "../../src/session/ssh-session.ts";
import { type Sshd, type SshdOptions, startSshd } from "./sshd.ts";

/** A desk with an SSH configuration of its own, no agent, and what a test starts, ended after it. */
export interface SshDesk {
  readonly dir: string;
  /** The project's folder. */
  readonly project: string;
  /** Ended after the test. */
  after(end: () => unknown): void;
  sshd(options?: SshdOptions): Promise<Sshd>;
  /** Writes the configuration. */
  config(text: string): void;
  /** Writes the file that the configuration of {@link SshDesk.plain} names for known hosts. */
  known(text: string): void;
  /** `Host *` with one key, no agent and the known hosts of this desk. */
  plain(key: string): string;
  open(target: string, access?: Partial<SshAccess>, signal?: AbortSignal): Promise<SshSession>;
}

/** `const desk = useSshDesk()` at the head of a file. */
export function useSshDesk(): SshDesk {
  let dir = "";
  let ends: (() => unknown)[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "bootlace-desk-"));
    mkdirSync(join(dir, "project"));
    process.env.BOOTLACE_SSH_CONFIG = join(dir, "config");
    writeFileSync(join(dir, "config"), "");
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    ends = [];
    delete process.env.BOOTLACE_SSH_CONFIG;
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    get dir() {
      return dir;
    },
    get project() {
      return join(dir, "project");
    },
    after: (end) => void ends.push(end),
    async sshd(options) {
      const sshd = await startSshd(options);
      ends.push(() => sshd.stop());
      return sshd;
    },
    config: (text) => writeFileSync(join(dir, "config"), text),
    known: (text) => writeFileSync(join(dir, "known"), text),
    plain: (key) =>
      `Host *\n  IdentityFile ${key}\n  IdentityAgent none\n  UserKnownHostsFile ${dir}/known\n  GlobalKnownHostsFile none\n`,
    async open(target, access = {}, signal) {
      const session = await openSsh(target, undefined, { dir: join(dir, "project"), ...access }, signal);
      ends.push(() => session.close());
      return session;
    },
  };
}
