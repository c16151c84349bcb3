import { type CodeRow, row } from "./code-row.ts";
import { EXIT } from "./exit.ts";

/** Faults in the project's files and on the command line. */
export const FILE_CODES = {
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
  E_ARTIFACT_SOURCE: row(
    EXIT.usage,
    "An artifact cannot be had from there as it is written.",
    "Use a path, https://, s3://bucket/key, or a git address with `commit`.",
  ),
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
  E_ARTIFACT_UNLOCKED: row(
    EXIT.usage,
    "An artifact from outside the project's folder has no entry in bootlace.lock, so nobody knows its digest.",
    "Run `bootlace lock`, and commit bootlace.lock.",
  ),
  E_ARTIFACT_DIGEST: row(
    EXIT.usage,
    "The `sha256` of an artifact and the file itself, or its entry in bootlace.lock, contradict each other.",
    "Find out which one is meant; after fixing service.yaml run `bootlace lock`.",
  ),
  E_LOCK_FILE: row(
    EXIT.usage,
    "bootlace.lock cannot be read.",
    "Undo the change to the line named, or remove the file and run `bootlace lock`.",
  ),
  E_ARTIFACT_GET: row(
    EXIT.store,
    "An artifact could not be fetched.",
    "Look at the reason given; what was fetched already is kept for the next try.",
  ),
  E_ARTIFACT_CHANGED: row(
    EXIT.trust,
    "An artifact's source gives other bytes than bootlace.lock names.",
    "If the change is meant: `bootlace lock --update`, and look at the difference. Else ask who runs the source.",
  ),
  E_ARCHIVE: row(
    EXIT.trust,
    "An archive is damaged, or holds what is never unpacked: paths or links that lead out of it, devices, too much.",
    "Make the archive anew without what is named.",
  ),
  E_AWS_CREDENTIALS: row(
    EXIT.machine,
    "There are no AWS credentials at this desk, or AWS does not take them.",
    "Log in, or look at AWS_PROFILE and the other AWS_… variables.",
  ),
  E_AWS_REGION: row(
    EXIT.machine,
    "No AWS region is named, or the account does not have it.",
    "Name the region in bootlace.yaml: `region: eu-west-1`.",
  ),
  E_AWS_DENIED: row(
    EXIT.machine,
    "AWS refuses this to whoever the credentials stand for.",
    "Give the right that is named; docs/ec2.md has the policy.",
  ),
  E_AWS_UNREACHABLE: row(
    EXIT.machine,
    "AWS did not answer, or not in time.",
    "Look at the reason given, then run the command again.",
  ),
  E_EC2: row(EXIT.machine, "EC2 refuses a request.", "Look at what it says, and at `ec2:` in bootlace.yaml."),
  E_EC2_BASE: row(
    EXIT.machine,
    "The AMI that an instance is to start from is not there, or does not fit.",
    "Look at `from:`, `arch:` and `region:` in bootlace.yaml.",
  ),
  E_EC2_TYPE: row(
    EXIT.machine,
    "There is no such instance type, or it has another architecture.",
    "Name one that fits under `ec2.type`.",
  ),
  E_EC2_NETWORK: row(
    EXIT.machine,
    "The network that was asked for is not there, or the desk could not reach an instance in it.",
    "Look at `subnet`, `vpc`, `securityGroups`, `address` and `openTo` under `ec2:`.",
  ),
  E_EC2_CAPACITY: row(
    EXIT.machine,
    "EC2 has no capacity for this type at the moment.",
    "Name several types, or another subnet, or try later.",
  ),
  E_EC2_QUOTA: row(EXIT.machine, "The account's quota is used up.", "Ask AWS for more, or remove what is not needed."),
  E_EC2_BOOT: row(
    EXIT.machine,
    "An instance did not come up, or let nobody in, in time.",
    "Read its console: `bootlace logs MACHINE --console`.",
  ),
  E_EC2_HOST_KEY: row(
    EXIT.machine,
    "An instance's console shows no host key, so nobody knows whom the desk would talk to.",
    "Choose another way under `ec2.hostKeys`; docs/ec2.md says what each means.",
  ),
  E_EC2_IMAGE: row(
    EXIT.machine,
    "An AMI could not be made, or its name is taken.",
    "Look at the reason given; `ec2.imageName` names AMIs.",
  ),
  E_EC2_LEFT: row(
    EXIT.machine,
    "Something that was made at EC2 could not be removed.",
    "Try again with `bootlace gc`; it costs money while it is there.",
  ),
} as const satisfies Record<string, CodeRow>;
