import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach } from "vitest";
import type { CommandRun } from "../../../src/cli/command.ts";
import { newKey } from "../../../src/trust/change-keys.ts";

/** A small project with a signing key, and its commands, run in this process. */
export class Shop {
  readonly home = mkdtempSync(join(tmpdir(), "bootlace-shop-"));
  readonly dir = join(this.home, "shop");
  /** What the last command printed. */
  printed = "";

  async open(): Promise<void> {
    process.env.BOOTLACE_KEYS = join(this.home, "keys");
    this.write("true");
    await newKey(this.dir);
  }

  /** Another script makes another bundle. */
  write(script: string, more = ""): void {
    this.file("bootlace.yaml", `name: shop\nservices: [web]\nruntime: system\n${more}`);
    this.file("services/web/service.yaml", `description: Web\nupdate: |\n  ${script}\n`);
  }

  file(path: string, text: string): void {
    mkdirSync(dirname(join(this.dir, path)), { recursive: true });
    writeFileSync(join(this.dir, path), text);
  }

  /** Runs a command with --json and answers what it printed. */
  async run<T = Record<string, unknown>>(
    command: CommandRun,
    args: readonly string[],
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<T> {
    await this.say(command, args, options, true);
    return JSON.parse(this.printed) as T;
  }

  /** Runs a command as for a person who reads a pipe. */
  async say(
    command: CommandRun,
    args: readonly string[],
    options: Readonly<Record<string, unknown>> = {},
    json = false,
  ): Promise<string> {
    const stdout = new PassThrough();
    const parts: Buffer[] = [];
    stdout.on("data", (part: Buffer) => parts.push(part));
    const { signal } = new AbortController();
    await command({ dir: this.dir, args, options, json, yes: false, stdout, stderr: new PassThrough(), signal });
    this.printed = Buffer.concat(parts).toString();
    return this.printed;
  }
}

/** A shop for each test of a file; gone when the test is. */
export function useShop(): () => Shop {
  let shop: Shop;
  const before = process.env.BOOTLACE_KEYS;
  beforeEach(async () => {
    shop = new Shop();
    await shop.open();
  });
  afterEach(() => {
    if (before === undefined) delete process.env.BOOTLACE_KEYS;
    else process.env.BOOTLACE_KEYS = before;
    rmSync(shop.home, { recursive: true, force: true });
  });
  return () => shop;
}
