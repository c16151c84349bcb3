import { type CodeRow, row } from "./code-row.ts";
import { EXIT } from "./exit.ts";

/** The runner on a machine: journal and run. */
export const MACHINE_CODES = {
  E_JOURNAL_CORRUPT: row(
    EXIT.journal,
    "A line of the journal is damaged, and it is not the torn last one.",
    "Look with `bootlace journal repair`, which shows what it would do.",
  ),
  E_JOURNAL_VERSION: row(
    EXIT.journal,
    "The journal was written by a newer Bootlace.",
    "Boot a bundle that is as new as the journal.",
  ),
  E_JOURNAL_WRITE: row(
    EXIT.journal,
    "The journal cannot be written: nothing was started that could not be recorded.",
    "Make room on the volume, or mount it writable, and run again.",
  ),
  E_UNKNOWN_STEP: row(
    EXIT.usage,
    "A step is to be run again, or an init taken as done, that no service of the plan has.",
    "Fix the name: SERVICE.init or SERVICE.update for --rerun, SERVICE for --assume-init.",
  ),
  E_SEAL: row(
    EXIT.usage,
    "Seal was asked for on a machine that does not build an image.",
    "Seal runs in builds only: it takes away what a machine in use needs.",
  ),
  E_NEEDS: row(
    EXIT.usage,
    "A service needs something that this machine does not have.",
    "Choose another machine or image, or leave the service out with `when`.",
  ),
  E_INIT_CHANGED: row(
    EXIT.usage,
    "An init that has run differs from the one in the project, and the service says `onInitChange: fail`.",
    "Run it again with `--rerun SERVICE.init`, or take the change back.",
  ),
  E_STATE: row(
    EXIT.machine,
    "The folder with the machine's state cannot be used.",
    "Make it writable for root, or name another with `--root`.",
  ),
  E_BUNDLE: row(
    EXIT.internal,
    "The bundle on the machine cannot be read.",
    "Fetch it anew: remove its folder under bundles/ and boot.",
  ),
  E_REBOOT: row(
    EXIT.machine,
    "A script asked for a reboot, and this run may not reboot the machine.",
    "Reboot the machine, then run again: the script goes on where it asked.",
  ),
  E_LOCKED: row(
    EXIT.locked,
    "Another run holds the lock of this machine.",
    "Wait for it (`--wait`), or end the process that is named.",
  ),
} as const satisfies Record<string, CodeRow>;
