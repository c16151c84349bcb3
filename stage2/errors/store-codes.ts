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
    "Use s3://, a path, file:///, http:// or https://.",
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
  E_NOT_PUBLISHED: row(
    EXIT.usage,
    "An image was to follow a channel that points to another bundle than the one in it: its first boot would replace what was tested.",
    "Publish first with `bootlace deploy CHANNEL`. An image with `params` of its own holds a bundle that no channel has: give it `follow: none`.",
  ),
  E_POINTER_SIGNATURE: row(
    EXIT.trust,
    "A channel pointer is not signed by a key that the project trusts, for its epoch.",
    "Ask who wrote to the store; when you know why, publish over it with `deploy --replace`.",
  ),
  E_TRUST_FILE: row(
    EXIT.usage,
    "A file of the project's `trust/` folder is no trust file.",
    "Take it from version control again, or make a key with `bootlace key new`.",
  ),
  E_NO_KEY: row(EXIT.usage, "The project has no key to sign with.", "Make one with `bootlace key new`."),
  E_KEY_EXISTS: row(
    EXIT.usage,
    "The project has a key already, or its keys are changing at this moment.",
    "`bootlace key rotate` brings a new one; `bootlace key rotate --finish` ends the change.",
  ),
  E_KEY_MISSING: row(
    EXIT.usage,
    "The private half of a key is not on this desk.",
    "Copy it here, or set BOOTLACE_KEYS to the folder that has it.",
  ),
  E_KEY_FILE: row(EXIT.trust, "A private key file cannot be used.", "Look at the reason given."),
  E_KEY_IN_BUNDLE: row(
    EXIT.trust,
    "A file of the project holds the private signing key; bundles are readable for every machine.",
    "Take it out, and make a new key with `bootlace key rotate`: whoever has read it can sign.",
  ),
  E_KMS: row(EXIT.store, "AWS KMS did not do what was asked.", "Look at the reason given."),
  E_STORE_BUCKET: row(
    EXIT.store,
    "The bucket is not there, or in another region.",
    "Look at `store:` and `region:` in bootlace.yaml.",
  ),
  E_STORE_CREDENTIALS: row(
    EXIT.store,
    "There are no AWS credentials at this desk, or S3 does not take them.",
    "Log in, or look at AWS_PROFILE and the other AWS_… variables.",
  ),
  E_STORE_DENIED: row(
    EXIT.store,
    "S3 refuses this to whoever the credentials stand for.",
    "Give the right that is named; docs/store.md has a publisher's policy.",
  ),
  E_BLOB_SIZE: row(
    EXIT.usage,
    "A blob is larger than S3 takes in one piece, 5 GiB.",
    "Split or compress the artifact.",
  ),
  E_CHANNEL_NAME: row(
    EXIT.usage,
    "No channel can have this name.",
    "Use lower-case letters, digits, dots and hyphens, at most 64, a letter or a digit first and last, no two dots together.",
  ),
  E_CHANNEL_EMPTY: row(EXIT.store, "Nobody published to the channel.", "Look at its name, and at the store."),
  E_BLOB_GONE: row(
    EXIT.store,
    "The store lacks what a pointer that was published names.",
    "Take that version of the project from version control and deploy it.",
  ),
  E_ROLLBACK: row(
    EXIT.usage,
    "The channel, template, group or parameter has nothing such to go back to.",
    "`bootlace rollback channel/NAME --list` (lt/NAME, asg/NAME, ssm/NAME) shows what it had.",
  ),
  E_WAIT: row(
    EXIT.machine,
    "The channel moved, but a machine that follows it has not booted the bundle well in time.",
    "Look at the machine: `bootlace status NAME`, `bootlace logs NAME`; it fetches when it boots.",
  ),
  E_KEY_UNSEEN: row(
    EXIT.usage,
    "The old key cannot be dropped yet: a channel's pointer or bundle does not bring machines the new one.",
    "Deploy the channel, let machines boot once, then finish; `key rotate --finish --force` does not look.",
  ),
  E_SERIAL_END: row(
    EXIT.trust,
    "The numbers of a channel's epoch are used up: somebody with a key of the project counted up to the end.",
    "Rotate the key and finish the rotation: a new epoch begins at 1.",
  ),
  E_CHANNEL_OLD: row(
    EXIT.trust,
    "The pointer that `deploy --from` would take expired, or is older than others that stood in its channel.",
    "Deploy that channel anew, then promote it; `--replace` takes it as it is.",
  ),
  E_RUN_RUBBISH: row(
    EXIT.machine,
    "A machine told of its run what no runner writes.",
    "Look at the machine itself before you trust it: its file of events is damaged, or somebody else writes there.",
  ),
} as const satisfies Record<string, CodeRow>;
