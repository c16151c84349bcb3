import { INVENTORY, lineBegan } from "../image/inventory.ts";
import type { NamedValue } from "../machine/machine.ts";
import { runChecked } from "../session/run-checked.ts";
import type { Session } from "../session/session.ts";
import { hygieneScript } from "./hygiene.ts";

/** Whichever package manager is there tells what is installed. */
const PACKAGES = `
if command -v dpkg-query >/dev/null 2>&1; then dpkg-query -W -f '\${Package} \${Version}\\n'
elif command -v rpm >/dev/null 2>&1; then rpm -qa --queryformat '%{NAME} %{VERSION}-%{RELEASE}\\n'
elif command -v apk >/dev/null 2>&1; then apk list -I 2>/dev/null | cut -d' ' -f1
fi
`;

/**
 * On a real system: ends what would write again while the machine goes down. Services that were started stop in order,
 * but those that carry this session; so do timers, and terminals, whose end is a record of logins. Units whose stop
 * writes a seed, a record or a log stop now, before what they write is removed. A sandbox has none of it.
 */
export const QUIET = `
[ -d /run/systemd/system ] || exit 0
set -f
# A session that Session Manager carries comes from this machine itself. sudo takes SSH_CONNECTION away; a process above has it.
client='' pid=$$
while [ -z "$client" ] && [ "\${pid:-0}" -gt 1 ]; do
  client=$(tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=\\([^ ]*\\).*/\\1/p')
  pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
done
carried=
case $client in 127.* | ::1) carried=yes ;; esac
stop=
for unit in $(systemctl list-units --type=service,timer,socket --state=running,exited,waiting,listening --plain --no-legend |
  cut -d' ' -f1); do
  case $unit in
    *.timer | syslog.socket | *getty@* | systemd-random-seed.service | systemd-update-utmp.service | systemd-journal-flush.service) ;;
    *.socket | ssh* | dbus* | systemd-* | user@* | user-runtime-dir@* | network* | NetworkManager* | dhc* | ifup@* | \
      wpa_supplicant* | nftables* | netfilter-persistent* | firewalld* | ufw* | cloud-* | kmod-* | apparmor* | \
      keyboard-setup* | console-setup* | bootlace* | qemu-guest-agent*) continue ;;
    *amazon-ssm-agent*) [ -z "$carried" ] || continue ;;
  esac
  stop="$stop $unit"
done
[ -z "$stop" ] || systemctl stop $stop || echo "not every service stops" >&2
`;

/** A run is told as closed before its runner and stage1 have put everything away; the lock is theirs until then. */
const OVER = "[ ! -e /var/lib/bootlace/lock ] || flock /var/lib/bootlace/lock true";

/** What was deleted is given back to the disk; a disk that cannot take it back is no fault. */
const TRIM = "command -v fstrim >/dev/null 2>&1 && fstrim -a >/dev/null 2>&1; sync";

/**
 * Takes from a machine what no image may carry, after its services sealed themselves, and makes its journal a
 * checkpoint that tells nothing of the builder. Answers what is installed, and what src/image/inventory.ts reads.
 *
 * @param lineage of the image to come.
 * @throws {BootlaceError} `E_REMOTE_COMMAND` naming what could not be removed.
 */
export async function sealMachine(
  session: Session,
  identity: readonly NamedValue[],
  lineage: string,
  signal: AbortSignal,
): Promise<{ readonly packages: readonly string[]; readonly inventory: string }> {
  const named = (wanted: string) => identity.find(({ name }) => name === wanted)?.value;
  const key = named("the build's SSH key") ?? "no key of this build";
  const name = named("the build machine's host name") ?? "";
  const run = (...argv: readonly string[]) => runChecked(session, argv, { signal });
  // The journal is nobody else's: it is rewritten while the rest is cleaned.
  await run("sh", "-c", OVER, "bootlace-over");
  const checkpoint = run("/usr/lib/bootlace/bootlace", "checkpoint");
  const cleaned = (async () => {
    const packages = await run("sh", "-c", PACKAGES, "bootlace-packages");
    await run("sh", "-c", QUIET, "bootlace-quiet");
    await run("sh", "-c", hygieneScript(), "bootlace-seal", key, name);
    return packages;
  })();
  // Whichever fails, nothing is still under way.
  await Promise.allSettled([checkpoint, cleaned]);
  await checkpoint;
  const packages = await cleaned;
  // Of what stays: after everything else was taken away.
  const inventory = await run("sh", "-c", INVENTORY, "bootlace-inventory", lineBegan(lineage));
  await run("sh", "-c", TRIM, "bootlace-trim");
  return { inventory, packages: packages.split("\n").filter(Boolean).sort() };
}
