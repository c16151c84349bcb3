import { createReporter, type Event, printable } from "../../../stage2/index.ts";
import type { CommandContext } from "../../cli/command.ts";
import { changesOf } from "../../fleet/changes-of.ts";

export interface BuildReporter {
  /** The reader of one build's events. */
  of(name: string): (event: Event) => void;
  /** Takes a live view off the screen. */
  close(): void;
}

/**
 * Shows one build after the other as everything is shown, and several at the same time line by line, with the image's
 * name before each.
 *
 * @param names of all images.
 */
export function buildReporter(
  names: readonly string[],
  several: boolean,
  { stdout, json }: Pick<CommandContext, "stdout" | "json">,
): BuildReporter {
  if (json)
    return {
      of: (image) => (event) => void stdout.write(`${JSON.stringify(several ? { image, ...event } : event)}\n`),
      close: () => {},
    };
  if (!several) {
    const one = createReporter({ stream: stdout });
    return { of: () => one, close: one.close };
  }
  const width = Math.max(...names.map((name) => name.length));
  return {
    of: (name) => (event) => {
      for (const { text } of changesOf(event)) stdout.write(`${printable(`${name.padEnd(width)} | ${text}`)}\n`);
    },
    close: () => {},
  };
}
