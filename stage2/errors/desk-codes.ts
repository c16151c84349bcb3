import { type CodeRow, row } from "./code-row.ts";
import { EXIT } from "./exit.ts";

/** Sessions, machines and images, as the desk handles them. */
export const DESK_CODES = {
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
    "No build of that id can be gone on with.",
    "List what can with `bootlace gc --plan --all`.",
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
  E_SESSION_HOST_KEY_UNKNOWN: row(
    EXIT.trust,
    "A host showed a key that nobody vouched for yet.",
    "Compare its fingerprint with the host's console, then pass it with `--accept-host-key`, or run `ssh HOST` once.",
  ),
  E_SESSION_SUDO: row(
    EXIT.machine,
    "The login user of a host is not root and may not become root by sudo.",
    "Allow the user to run all commands by sudo, give the right password, or log in as root.",
  ),
  E_SESSION_TARGET: row(
    EXIT.usage,
    "That cannot be the name of a host.",
    "Write a host as `[user@]host[:port]`, an IPv6 address with a port as `[::1]:22`.",
  ),
  E_DISK_UNREADABLE: row(
    EXIT.machine,
    "A machine's disk could not be read from outside.",
    "Install e2fsprogs and qemu-utils; a disk that was cut off needs its machine started and stopped again.",
  ),
  E_FIRST_CONTACT: row(
    EXIT.usage,
    "Bootlace has never run on a host, and nobody said that it may.",
    "Read the plan that is shown, then say it: `--yes`. Nothing was changed.",
  ),
  E_OTHER_PROJECT: row(
    EXIT.usage,
    "A machine belongs to another project.",
    "Name the right machine, or take it over: `--take-over`.",
  ),
  E_GROUP_UNKNOWN: row(
    EXIT.usage,
    "A group is named that bootlace.yaml does not have.",
    "Groups stand under `groups:` in bootlace.yaml.",
  ),
  E_NOT_DELIVERED: row(
    EXIT.machine,
    "Bootlace is not on a machine yet, so it can answer nothing.",
    "Bring it there: `bootlace apply TARGET`, or `bootlace up MACHINE`.",
  ),
  E_QEMU_UNAVAILABLE: row(
    EXIT.machine,
    "A virtual machine cannot be started on this computer.",
    "Install qemu-system and qemu-utils, or ask for another acceleration, as the message says.",
  ),
  E_QEMU_BASE: row(
    EXIT.machine,
    "The disk that a virtual machine is to start from cannot be had.",
    "Do what the message names: install the tool, give the digest, or look at the address.",
  ),
  E_QEMU_BOOT: row(
    EXIT.machine,
    "A virtual machine ended at once, or could not be reached in time.",
    "Read the end of its console, which is shown; the whole is in `bootlace logs MACHINE --console`.",
  ),
  E_QEMU_PORT: row(
    EXIT.machine,
    "A port of this computer that a virtual machine is to have is taken, or no port.",
    "End what listens there, or name another one under `ports:`.",
  ),
  E_DESK_LOCK: row(
    EXIT.machine,
    "A file that commands of this computer take turns by could not be locked.",
    "Install util-linux, which has flock(1); on macOS lockf(1) comes with the system.",
  ),
  E_ROLLOUT_GOAL: row(
    EXIT.usage,
    "That is nothing that an image could be rolled out to.",
    "Write lt:NAME (launch template), asg:NAME (Auto Scaling group) or ssm:NAME (parameter); for rollback lt/NAME, asg/NAME, ssm/NAME.",
  ),
  E_ROLLOUT_IMAGE: row(
    EXIT.usage,
    "An image cannot go there: it is no AMI, has no copy in the region, was not proven, or is of another architecture.",
    "Look at the image (`bootlace image show IMAGE`), and at `region:`.",
  ),
  E_ROLLOUT_TARGET: row(
    EXIT.usage,
    "The launch template, group or parameter is not there, or is none that can be rolled out to.",
    "Look at its name and region; docs/rollout.md tells what is needed.",
  ),
  E_ROLLOUT_BUSY: row(
    EXIT.machine,
    "Another refresh of the Auto Scaling group is under way.",
    "Let it end, or take it back: `bootlace rollback asg/NAME`.",
  ),
  E_ROLLOUT_FAILED: row(
    EXIT.serviceFailed,
    "A refresh of an Auto Scaling group did not come to its end.",
    "Read the reason given; `bootlace status i-…` reads what an instance's console says.",
  ),
  E_FLEET_EMPTY: row(
    EXIT.usage,
    "No running instance at EC2 is what was named.",
    "Look at the name, at the region and at the account: `aws ec2 describe-instances`.",
  ),
} as const satisfies Record<string, CodeRow>;
