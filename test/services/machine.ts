import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { findMachine } from "../../src/machine/find-machine.ts";
import type { ExecResult } from "../../src/session/session.ts";
import { awsEnvironment } from "../support/aws/s3-credentials.ts";
import { TEST_KEY } from "../support/aws/s3-server.ts";
import { desk } from "../support/desk.ts";
import { makeProject } from "../support/small-project.ts";

/** A sandbox `dev` of a project, and its desk. Both go with the test. */
export class ServiceMachine {
  readonly dir: string;
  /** Private keys of the desk. */
  readonly keys: string;

  private constructor(dir: string, keys: string) {
    this.dir = dir;
    this.keys = keys;
  }

  static async make(files: Readonly<Record<string, string>>): Promise<ServiceMachine> {
    const keys = await mkdtemp(join(tmpdir(), "bootlace-keys-"));
    onTestFinished(() => rm(keys, { recursive: true, force: true }));
    return new ServiceMachine(await makeProject(files), keys);
  }

  /** Runs a command of the desk to its end. */
  run(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    return desk(["-C", this.dir, ...words], { ...awsEnvironment(TEST_KEY), BOOTLACE_KEYS: this.keys, ...env });
  }

  /** A command that has to end well; answers what it printed. */
  async bootlace(...words: readonly string[]): Promise<string> {
    const { exit, out, err } = await this.run(words);
    expect({ words, exit, err, out: exit === 0 ? "" : out }).toEqual({ words, exit: 0, err: "", out: "" });
    return out;
  }

  /** Runs a shell line on the machine. */
  async sh(line: string, stdin = ""): Promise<ExecResult> {
    const session = await (await findMachine(this.dir, "dev")).session();
    try {
      return await session.exec(["sh", "-c", line], { stdin });
    } finally {
      await session.close();
    }
  }

  /** Runs a shell line that has to end well; answers what it printed. */
  async on(line: string, stdin = ""): Promise<string> {
    const { exit, stdout, stderr } = await this.sh(line, stdin);
    expect({ line, exit, said: exit === 0 ? "" : stdout + stderr }).toEqual({ line, exit: 0, said: "" });
    return stdout;
  }

  /** Writes a file there that root alone reads. */
  async place(path: string, text: string): Promise<void> {
    await this.on(`umask 077; mkdir -p "$(dirname ${path})"; cat >${path}`, text);
  }
}

/** A machine's credentials in AWS, as a file of the SDK's. */
export const AWS_FILE = `[default]\naws_access_key_id = ${TEST_KEY.accessKeyId}\naws_secret_access_key = ${TEST_KEY.secretAccessKey}\n`;
