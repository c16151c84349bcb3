import { finished, Readable } from "node:stream";
import type { ClientChannel } from "ssh2";
import { BootlaceError } from "../../stage2/index.ts";
import type { ExecOptions } from "./session.ts";

/** Most of a command's output that is kept in memory, in bytes; whoever expects more gives a stream. */
const KEPT = 16 * 1024 * 1024;

/**
 * What a command says: into the sink, or kept and returned.
 *
 * @param tooMuch is called when it says more than is kept; what is returned is then of no use.
 */
export function collect(
  source: Readable,
  sink: NodeJS.WritableStream | undefined,
  tooMuch: (error: BootlaceError) => void,
): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  if (sink) source.pipe(sink, { end: false });
  else
    source.on("data", (chunk: Buffer) => {
      const before = bytes;
      bytes += chunk.length;
      if (bytes <= KEPT) parts.push(chunk);
      else if (before <= KEPT)
        tooMuch(
          new BootlaceError("E_REMOTE_COMMAND", `A command said more than the ${KEPT} bytes that are read of it`),
        );
    });
  return new Promise((resolve) =>
    finished(source, { writable: false }, () => resolve(Buffer.concat(parts).toString())),
  );
}

/** Watches what is to be sent from the start: its source may fail before there is a channel. */
export function feeding(stdin: ExecOptions["stdin"]) {
  const fed: { error?: Error; into(channel: ClientChannel): void } = {
    into(channel) {
      // A command may end without reading all that it is sent; its exit code then tells the story.
      channel.on("error", () => {});
      if (!(stdin instanceof Readable)) channel.end(stdin === undefined ? undefined : Buffer.from(stdin as Uint8Array));
      else if (fed.error) channel.close();
      else {
        stdin.on("error", () => channel.close());
        stdin.pipe(channel);
      }
    },
  };
  if (stdin instanceof Readable)
    stdin.on("error", (error) => {
      fed.error = error;
    });
  return fed;
}
