import { runChecked } from "../session/run-checked.ts";
import type { Session } from "../session/session.ts";

/** How long somebody else's package manager may keep its lock, in seconds. */
const PATIENCE = 900;

/**
 * cloud-init is waited for by its own means (its docs, "status --wait"); its failing is its own affair and shown
 * elsewhere. Timers that start package managers are stopped for this boot, then locks are waited for as /proc/locks has
 * them (proc_locks(5)): whoever holds one is named when patience ends. Argument: seconds of patience.
 */
const SETTLE = `
patience=$1
if command -v cloud-init >/dev/null 2>&1 && [ -d /run/cloud-init ]; then
  timeout "$patience" cloud-init status --wait >/dev/null 2>&1 || :
fi
if [ -d /run/systemd/system ]; then
  # Those that are not there are passed over.
  systemctl stop apt-daily.timer apt-daily-upgrade.timer dnf-makecache.timer dnf-automatic.timer unattended-upgrades.timer >/dev/null 2>&1 || :
  timeout "$patience" systemctl is-system-running --wait >/dev/null 2>&1 || :
fi
holder() {
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock \
    /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /lib/apk/db/lock; do
    [ -e "$lock" ] || continue
    inode=$(stat -c %i "$lock" 2>/dev/null) || continue
    while read -r _ _ _ _ pid where _; do
      case $where in
        *":$inode")
          echo "$pid $lock"
          return 0
          ;;
      esac
    done </proc/locks
  done
  return 1
}
waited=0
while held=$(holder); do
  if [ "$waited" -ge "$patience" ]; then
    pid=\${held%% *}
    echo "\${held#* } is held by process $pid ($(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)) for $patience s" >&2
    exit 1
  fi
  sleep 1
  waited=$((waited + 1))
done
`;

/**
 * Waits until the machine's own first boot is over and nobody works on its packages, so that nothing changes under the
 * build.
 *
 * @param patience seconds.
 * @throws {BootlaceError} `E_REMOTE_COMMAND` naming who holds a package manager's lock when patience ends.
 */
export async function settle(session: Session, signal: AbortSignal, patience = PATIENCE): Promise<void> {
  await runChecked(session, ["sh", "-c", SETTLE, "bootlace-settle", String(patience)], { signal });
}
