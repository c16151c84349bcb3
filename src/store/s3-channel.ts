import { parsePointer } from "../deploy/pointer.ts";
import { asideName, channelMoved, fingerprint, logEntryName } from "./channel-log.ts";
import { inParallel } from "./in-parallel.ts";
import type { S3Bucket } from "./s3-bucket.ts";

/** S3 answers 409 while another write to the same key is under way; that one ends in a moment. */
const BUSY_TRIES = 5;
const READERS = 8;

/**
 * The channels of a bucket. A move is one conditional write, which S3 grants to one publisher only. Before it, the
 * pointer that stands is copied to `history/<channel>/<epoch>.<serial>`: history and current together are always whole.
 */
export class S3Channels {
  private readonly bucket: S3Bucket;

  constructor(bucket: S3Bucket) {
    this.bucket = bucket;
  }

  async read(name: string): Promise<string | undefined> {
    return (await this.bucket.getText(`channels/${name}`))?.text;
  }

  /** @see Store.moveChannel */
  async move(name: string, next: string, expected: string | undefined): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const current = await this.bucket.getText(`channels/${name}`);
      if (current?.text !== expected) throw channelMoved(name, current?.text);
      if (current) await this.keep(name, current.text);
      const written = await this.bucket.putText(`channels/${name}`, next, current?.etag);
      if (written === "written") return;
      // A write whose answer was lost is tried again by the client, and is then in its own way.
      const winner = await this.read(name);
      if (winner === next || (await this.isKept(name, next))) return;
      if (winner !== expected || tries === BUSY_TRIES) throw channelMoved(name, winner);
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** tries * (1 + Math.random())));
    }
  }

  /** @see Store.history */
  async history(name: string, limit: number): Promise<readonly string[]> {
    const current = await this.read(name);
    const names = (await this.bucket.list(`history/${name}`)).toReversed().slice(0, limit);
    const texts = await inParallel(
      READERS,
      names,
      async (entry) => (await this.bucket.getText(`history/${name}/${entry}`))?.text,
    );
    const kept = texts.filter((text) => text !== undefined && text !== current) as string[];
    return current === undefined ? kept : [current, ...kept].slice(0, limit);
  }

  private async keep(name: string, text: string): Promise<void> {
    const key = `history/${name}/${entryName(text)}`;
    if ((await this.bucket.putText(key, text, undefined)) === "written") return;
    if ((await this.bucket.getText(key))?.text === text) return;
    // Something else of that number was there first: neither is lost.
    await this.bucket.putText(`${key}.${fingerprint(text)}`, text, undefined);
  }

  private async isKept(name: string, text: string): Promise<boolean> {
    return (await this.bucket.getText(`history/${name}/${entryName(text)}`))?.text === text;
  }
}

/** What somebody else wrote there may be no pointer at all; it is kept too, before all numbers. */
function entryName(text: string): string {
  try {
    parsePointer(text);
  } catch {
    return asideName(text);
  }
  return logEntryName(text);
}
