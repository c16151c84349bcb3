import { type CodeRow, row } from "./code-row.ts";
import { EXIT } from "./exit.ts";

/** Bundles, runtimes, stores and channels. */
export const STORE_CODES = {
  E_BUNDLE_NAME: row(
    EXIT.usage,
    "A file's path cannot stand in a bundle: not printable ASCII, too long, twice, or not a plain relative path.",
    "Rename the file.",
  ),
  E_BUNDLE_LIMIT: row(
    EXIT.usage,
    "The bundle would be larger than machines accept.",
    "Declare big files under `artifacts:`; they travel apart and only where they are missing.",
  ),
  E_RUNTIME_GET: row(
    EXIT.store,
    "The package that carries the Node runtime could not be got with `npm pack`.",
    "Try `npm pack` by hand with the name shown, or set `runtime: system` and install Node 20 or newer on the machines.",
  ),
  E_RUNTIME_DIGEST: row(
    EXIT.trust,
    "A runtime's bytes are not the ones this version of Bootlace expects.",
    "Do not use it: ask where your npm gets packages from; `runtime: system` goes without.",
  ),
  E_STORE_URL: row(
    EXIT.usage,
    "The store's address is of no known kind.",
    "Use a path, file:///, http:// or https://.",
  ),
  E_STORE_READONLY: row(
    EXIT.usage,
    "The store can be read but not written.",
    "Publish to the folder behind it, or to another store with `--store`.",
  ),
  E_STORE_UNREACHABLE: row(
    EXIT.store,
    "The store did not answer, or its folder cannot be used.",
    "Look at the reason given; nothing was changed by the step that failed.",
  ),
  E_STORE_DAMAGED: row(
    EXIT.trust,
    "A blob's bytes do not fit its name or its declared length.",
    "Remove the file that is named and run the command again.",
  ),
  E_POINTER: row(EXIT.trust, "A channel pointer is not of the form that machines accept.", "Look at the line named."),
  E_CHANNEL_MOVED: row(
    EXIT.store,
    "Somebody else moved the channel at the same time; that move stands, yours was not made.",
    "Look at what was published, then run the command again.",
  ),
} as const satisfies Record<string, CodeRow>;
