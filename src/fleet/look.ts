import { BootlaceError, type FactSources, keyValues } from "../../stage2/index.ts";
import { HOOKED } from "../machine/run/boot-of.ts";
import { runChecked } from "../session/run-checked.ts";
import type { Session } from "../session/session.ts";
import { ANSWER_WITHIN, answerWithin } from "./answer-within.ts";

/** What stands on a machine, read in one command that changes nothing there. */
export interface Seen {
  readonly facts: FactSources;
  /** `uname -m`. */
  readonly cpu: string;
  /** Undefined: Bootlace has never run there. */
  readonly journal?: string | undefined;
  readonly lineage?: string | undefined;
  /** `/etc/bootlace/services`. */
  readonly services?: string | undefined;
  readonly tags?: string | undefined;
  /** Whose the machine is: of boot.conf, else of the bundle that runs there. */
  readonly project?: string | undefined;
  readonly channel?: string | undefined;
  readonly bundle?: string | undefined;
  /** Why the last boot did not bring what its channel points to. */
  readonly degraded?: string | undefined;
  /** A boot runs Bootlace: by systemd, cron or a sandbox's init. */
  readonly hooked: boolean;
}

/**
 * Prints name, NUL, value, NUL for each thing that is there. The journal's room for more is NULs, which are left out.
 * Reading alone: what it runs makes no file.
 */
const LOOK = `${HOOKED}
S=/var/lib/bootlace E=/etc/bootlace
say() { printf '%s\\0%s\\0' "$1" "$2"; }
show() {
  if [ -f "$2" ]; then
    printf '%s\\0' "$1"
    tr -d '\\000' <"$2" 2>/dev/null
    printf '\\0'
  fi
}
show journal $S/journal
show lineage $S/lineage
show current $S/current
show tags $S/tags
show degraded $S/degraded
show services $E/services
show conf $E/boot.conf
show seed /run/bootlace/seed
if [ -f /etc/os-release ]; then show osRelease /etc/os-release; else show osRelease /usr/lib/os-release; fi
show vendor /sys/class/dmi/id/sys_vendor
show assetTag /sys/class/dmi/id/board_asset_tag
show productUuid /sys/class/dmi/id/product_uuid
show machineId /etc/machine-id
show bootId /proc/sys/kernel/random/boot_id
show commandLine /proc/cmdline
show hostname /proc/sys/kernel/hostname
bundle=
if [ -f $S/current ]; then
  while read -r line; do case $line in bundle=*) bundle=\${line#*=} ;; esac; done <$S/current
fi
if [ -n "$bundle" ] && [ -f "$S/bundles/$bundle/project.json" ]; then
  say project "$(sed -n 's/^{"format":1,"name":"\\([^"]*\\)".*/\\1/p' "$S/bundles/$bundle/project.json" | head -n 1)"
fi
say cpu "$(uname -m)"
say uid "$(id -u)"
has=
[ ! -d /run/systemd/system ] || has="$has systemd"
[ "$(id -u)" != 0 ] || has="$has root"
[ ! -x /usr/bin/apt-get ] || has="$has apt"
[ ! -x /usr/bin/dnf ] || has="$has dnf"
[ ! -x /sbin/apk ] || has="$has apk"
say has "$has"
if hooked; then say hooked yes; fi
`;

/** Most that a journal may have, in characters; the whole answer has the limit of any command's output. */
const LONGEST_JOURNAL = 8 * 1024 * 1024;

/**
 * @throws {BootlaceError} `E_REMOTE_COMMAND`, also where it says too much; `E_SESSION_CONNECT` after a minute without the
 *   answer; and what the session throws.
 */
export async function lookAt(session: Session, signal?: AbortSignal): Promise<Seen> {
  const argv = ["sh", "-c", LOOK, "bootlace-look"];
  const look = (ended: AbortSignal) => runChecked(session, argv, { signal: ended });
  return seenIn(await answerWithin(ANSWER_WITHIN, session.target, look, signal), session.target);
}

/** Reads the answer of {@link LOOK}. @param target for messages. */
export function seenIn(said: string, target: string): Seen {
  const words = said.split("\0");
  const raw = new Map<string, string>();
  for (let at = 0; at + 1 < words.length; at += 2) raw.set(words[at] ?? "", words[at + 1] ?? "");
  if ((raw.get("journal")?.length ?? 0) > LONGEST_JOURNAL)
    throw new BootlaceError("E_REMOTE_COMMAND", `${target}: its journal has more than ${LONGEST_JOURNAL} bytes`, {
      hint: "No journal grows so long by itself: look at /var/lib/bootlace/journal there before you trust the machine.",
    });
  const text = (name: string): string | undefined => raw.get(name)?.trim() || undefined;
  const conf = keyValues(raw.get("conf") ?? "");
  const cpu = text("cpu") ?? "";
  return {
    facts: {
      seed: text("seed"),
      osRelease: text("osRelease"),
      vendor: text("vendor"),
      assetTag: text("assetTag"),
      productUuid: text("productUuid"),
      machineId: text("machineId"),
      bootId: text("bootId"),
      commandLine: text("commandLine"),
      hostname: text("hostname") ?? "",
      arch: cpu === "aarch64" || cpu === "arm64" ? "arm64" : "x86_64",
      has: (text("has") ?? "").split(" ").filter(Boolean),
    },
    cpu,
    journal: raw.get("journal"),
    lineage: text("lineage"),
    services: raw.get("services"),
    tags: raw.get("tags"),
    project: conf.get("project") ?? text("project"),
    channel: keyValues(raw.get("tags") ?? "").get("channel") ?? conf.get("channel"),
    bundle: keyValues(raw.get("current") ?? "").get("bundle"),
    degraded: text("degraded"),
    hooked: raw.has("hooked"),
  };
}
