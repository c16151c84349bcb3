/**
 * Every error code of Bootlace, the exit code that goes with it and what to do about it.
 * The one source of docs/errors.md (a test holds both ways). Codes are a contract: never rename or reuse one.
 */

/** Exit codes as in docs/contracts.md. */
export const EXIT = {
  ok: 0,
  serviceFailed: 1,
  usage: 2,
  locked: 3,
  trust: 4,
  store: 5,
  machine: 6,
  journal: 7,
  degraded: 8,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface CodeRow {
  readonly exit: ExitCode;
  /** What it means, one sentence for docs/errors.md. */
  readonly means: string;
  /** What to do, one sentence for docs/errors.md. */
  readonly remedy: string;
}

const row = (exit: ExitCode, means: string, remedy: string): CodeRow => ({ exit, means, remedy });

export const CODES = {
  // files and command line (desk)
  E_USAGE: row(EXIT.usage, "The command line could not be understood.", "Look at `bootlace COMMAND --help`."),
  E_CHECK: row(
    EXIT.usage,
    "The project has faults; all of them are printed.",
    "Fix them from the top; `bootlace check` shows what is left.",
  ),
  E_NO_PROJECT: row(
    EXIT.usage,
    "The folder has no bootlace.yaml.",
    "Go to the project's folder, name it with `-C DIR`, or make one with `bootlace new DIR`.",
  ),
  E_EXISTS: row(
    EXIT.usage,
    "A file that would be written is there already.",
    "Choose another name, or move the file away.",
  ),
  E_DESK_FILES: row(
    EXIT.usage,
    "The desk's file system refused what was tried: no permission, read-only, full, or gone in the middle.",
    "Look at the path that is named: who owns it, whether it is there, whether there is room.",
  ),
  E_TOOL_VERSION: row(
    EXIT.usage,
    "The project asks for another version of Bootlace.",
    "Install a version that fits the range in bootlace.yaml.",
  ),
  E_YAML: row(EXIT.usage, "The file is not valid YAML.", "Fix the syntax at the place shown."),
  E_YAML_DUPLICATE_KEY: row(EXIT.usage, "A mapping has the same key twice.", "Keep one of them."),
  E_YAML_ALIASES: row(
    EXIT.usage,
    "Aliases (`*name`) blow the document up beyond what is reasonable.",
    "Write the values out.",
  ),
  E_YAML_DOCUMENTS: row(EXIT.usage, "The file holds more than one YAML document.", "Keep one document to a file."),
  E_ENCODING: row(EXIT.usage, "The file is not UTF-8 text.", "Save it as UTF-8."),
  E_UNKNOWN_KEY: row(
    EXIT.usage,
    "A key is written that this file does not have.",
    "Fix the name; `bootlace schema` and docs/services.md list all keys.",
  ),
  E_MISSING_KEY: row(EXIT.usage, "A key is missing that must be there.", "Add it."),
  E_TYPE: row(EXIT.usage, "A value has the wrong type.", "Write it as the message says."),
  E_VALUE: row(EXIT.usage, "A value has the right type and is not allowed.", "Write it as the message says."),
  E_NAME: row(
    EXIT.usage,
    "A name has characters that names may not have.",
    "Use lower-case letters, digits and `-`, a letter first, at most 64.",
  ),
  E_RESERVED_NAME: row(
    EXIT.usage,
    "A variable would shadow one that programs or Bootlace depend on.",
    "Choose another name.",
  ),
  E_CLASH: row(EXIT.usage, "Two names become the same variable.", "Rename one of them."),
  E_CASE_TWINS: row(EXIT.usage, "Two names differ by case only.", "Rename one: some file systems cannot hold both."),
  E_SELF_REQUIREMENT: row(EXIT.usage, "A service requires itself.", "Remove its own name."),
  E_EXTENDS: row(EXIT.usage, "A chain of `extends` does not end.", "Break the circle at one of the lines named."),
  E_PATH: row(
    EXIT.usage,
    "A path is absolute, leads out of the folder, or is not what was expected there.",
    "Write it as `./name`, below the service's folder.",
  ),
  E_SERVICE_FILE: row(
    EXIT.usage,
    "A folder below services/ has no service.yaml.",
    "Add the file, or move the folder away.",
  ),
  E_SYMLINK: row(
    EXIT.usage,
    "A symbolic link in a service's folder leads out of it, or nowhere.",
    "Replace it by the file itself.",
  ),
  E_FILE_KIND: row(
    EXIT.usage,
    "A service's folder holds something that is neither file nor folder, or uses a reserved name.",
    "Remove it.",
  ),
  E_SCRIPT_MISSING: row(EXIT.usage, "A script is named that is not there.", "Fix the path, or add the file."),
  E_SCRIPT_SHEBANG: row(
    EXIT.usage,
    "A script has no `#!` line, so a machine cannot know what runs it.",
    "Add `#!/bin/sh -eu` as its first line, or name it .mjs or .ts.",
  ),
  E_SCRIPT_CRLF: row(
    EXIT.usage,
    "A script has Windows line ends, and a shell would choke on them.",
    "Save it with LF line ends.",
  ),
  E_SCRIPT_BUILD: row(
    EXIT.usage,
    "A .ts or .mjs script could not be bundled.",
    "Fix the error that is shown; npm packages it imports must be installed at the desk.",
  ),
  E_SCRIPT_EMPTY: row(EXIT.usage, "A script is empty.", "Write what it should do, or remove the key."),
  E_PROCESS: row(
    EXIT.usage,
    "A service has a `process`, which this version checks and does not start (a warning).",
    "Start the program in `update`, as `bootlace/webapp` does.",
  ),
  E_PARAM: row(
    EXIT.usage,
    "A parameter's value does not fit its declaration.",
    "Give a value that fits, or change the declaration.",
  ),
  E_UNKNOWN_PARAM: row(
    EXIT.usage,
    "A parameter is named that the service does not declare.",
    "Fix the name, or declare it under `params`.",
  ),
  E_UNKNOWN_SECRET: row(
    EXIT.usage,
    "A secret is named that the service does not declare.",
    "Fix the name, or declare it under `secrets`.",
  ),
  E_SECRET_VALUE: row(
    EXIT.usage,
    "A secret is written where only a reference may stand.",
    "Put the value into a secret store and write where it is, such as `ssm:/shop/db`.",
  ),
  E_SECRET_SOURCE: row(
    EXIT.usage,
    "A phase that runs at boot needs a secret that the machine has no way to get.",
    "Name a source the machine can reach under `secrets` in bootlace.yaml.",
  ),
  E_REFERENCE: row(EXIT.usage, "A `{reference}` names nothing that is known.", "Fix the name."),
  E_ARTIFACT_SOURCE: row(EXIT.usage, "This version cannot fetch an artifact from there.", "Use a path at the desk."),
  E_ARTIFACT_MISSING: row(EXIT.usage, "The file of an artifact is not there.", "Build it first, or fix the path."),
  E_UNKNOWN_IMAGE: row(
    EXIT.usage,
    "An image is named that the project does not have.",
    "Fix the name, or add it under `images`.",
  ),
  E_IMAGE_CYCLE: row(
    EXIT.usage,
    "Images are made from each other in a circle.",
    "Break the circle at one of the lines named.",
  ),
  E_FOLLOW: row(
    EXIT.usage,
    "Machines could not follow the channel with the access given.",
    "Choose an access that outlives the build, or `follow: none`.",
  ),
  E_UNKNOWN_SERVICE: row(
    EXIT.usage,
    "A service is named that the project does not have.",
    "Fix the name, or add the service's folder.",
  ),
  E_CYCLE: row(EXIT.usage, "Services require each other in a circle.", "Break the circle at one of the lines named."),
  // bundle, runtime, store and channels (desk)
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
  // journal (machine)
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
  // run (machine)
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
  // sessions and machines (desk)
  E_SESSION_CONNECT: row(
    EXIT.machine,
    "A machine could not be reached or refused the login.",
    "See whether it runs (`bootlace status`), and whether address and key are right.",
  ),
  E_SESSION_HOST_KEY: row(
    EXIT.trust,
    "A machine showed a host key other than the one known for it.",
    "Find out why before you connect: another machine may be answering at its address.",
  ),
  E_SESSION_LOST: row(
    EXIT.machine,
    "The connection to a machine broke while a command ran.",
    "Run the command again: what ran detached on the machine goes on, and is followed again.",
  ),
  E_REMOTE_COMMAND: row(
    EXIT.machine,
    "A command that Bootlace itself ran on a machine failed.",
    "Read the output that is shown; it comes from the machine.",
  ),
  E_SANDBOX_UNAVAILABLE: row(
    EXIT.machine,
    "A sandbox cannot be started on this computer.",
    "Do what the message names: run as root on Linux, install the tool, or use a folder that can hold an overlay.",
  ),
  E_SANDBOX_ROOT_CHANGED: row(
    EXIT.machine,
    "The packages of the root under a sandbox image changed since the image was built.",
    "Build the image again: `bootlace build IMAGE`.",
  ),
  E_PROVIDER_UNSUPPORTED: row(
    EXIT.usage,
    "This version has no provider of that name.",
    "Use `on: sandbox`, or `--on sandbox`.",
  ),
  E_MACHINE_UNKNOWN: row(
    EXIT.usage,
    "A machine is named that neither the project nor its state knows.",
    "List machines with `bootlace status`.",
  ),
  E_MACHINE_STATE: row(
    EXIT.machine,
    "A machine is in a state that the command cannot work with.",
    "Start, stop or destroy it first, as the message says.",
  ),
  E_MACHINE_NEEDS: row(
    EXIT.usage,
    "A service needs something that machines of this provider do not have.",
    "Use another provider, or leave the service out.",
  ),
  E_CAPTURE_RUN_OPEN: row(
    EXIT.machine,
    "A machine cannot be captured while a run is open on it.",
    "Let the run end, then capture.",
  ),
  E_RUN_LOST: row(
    EXIT.machine,
    "The runner on a machine ended without closing its run.",
    "Read the runner's output that is shown, then run again.",
  ),
  E_RUN_FAILED: row(
    EXIT.serviceFailed,
    "A run on a machine ended with failed services.",
    "Read the log that is named.",
  ),
  // images (desk)
  E_IMAGE_UNKNOWN: row(
    EXIT.usage,
    "An image is named that the project does not have, or that was not built yet.",
    "List images with `bootlace image ls`; build one with `bootlace build IMAGE`.",
  ),
  E_IMAGE_DAMAGED: row(
    EXIT.trust,
    "An image's file does not have the digest that its record names.",
    "Build the image again: `bootlace build IMAGE --force`.",
  ),
  E_IMAGE_NOT_CLEAN: row(
    EXIT.serviceFailed,
    "An image holds something that must not be in an image: a secret, a key, an identity.",
    "Remove it in the `seal` phase of the service that is named.",
  ),
  E_BUILD_UNKNOWN: row(
    EXIT.usage,
    "No build of that id was kept.",
    "List kept builds with `bootlace gc --plan --all`.",
  ),
  E_NO_RUN: row(
    EXIT.usage,
    "There is no such run, or it wrote no such log.",
    "Look at `bootlace status` for the last run.",
  ),
  E_RUN_OPEN: row(
    EXIT.machine,
    "A run is open on the machine, so it cannot be captured.",
    "Let the run end, or end it, and try again.",
  ),
  E_UNKNOWN_ACTION: row(
    EXIT.usage,
    "A service has no phase or action of that name.",
    "List the actions with `bootlace do`.",
  ),
  E_ACTION: row(EXIT.serviceFailed, "An action ended with another exit code than 0.", "Read its output above."),
  E_HANDOFF: row(
    EXIT.trust,
    "stage1 and stage2 do not speak the same hand-off.",
    "Publish a bundle whose runner knows this stage1.",
  ),
  E_INTERNAL: row(EXIT.internal, "Bootlace itself is wrong.", "Report it, with the text and the stack."),
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof CODES;

interface NoticeRow {
  readonly means: string;
  readonly remedy: string;
}

/** Codes of the notices that a run gives on its way; it goes on. A contract like the codes of errors. */
export const NOTICES = {
  W_EVENTS: {
    means: "The run's events cannot be written to its folder; the journal is whole.",
    remedy: "Make room on the volume of the machine's state.",
  },
  W_JOURNAL_TORN: {
    means: "A power cut or a kill had torn the journal's last line, which was cut off.",
    remedy: "Nothing: what the line was about runs again.",
  },
  W_LEFT_OUT: {
    means: "An update is left out: its init, or that of a service that it requires, has not run.",
    remedy: "Read the reason given; run the init, or take it as done with `--assume-init SERVICE`.",
  },
  W_LOG: {
    means: "The output of a script cannot be written to its log and is lost; the script runs on.",
    remedy: "Make room on the volume of the machine's state.",
  },
  W_SURVIVOR: {
    means: "A script had outlived a runner that was killed, and was ended before the plan was made.",
    remedy: "Nothing: the script runs again.",
  },
} as const satisfies Record<string, NoticeRow>;
