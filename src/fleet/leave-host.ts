import { runChecked } from "../session/run-checked.ts";
import type { Session } from "../session/session.ts";

/** What stays on a host after its destroy phases, for messages. */
export const STAYS = "/usr/lib/bootlace*, /etc/bootlace, /var/lib/bootlace and the boot hook";

/**
 * By files, and systemd only where it runs. A /usr/bin/bootlace that is somebody else's stays; /var/lib/bootlace may be a
 * mount, which is emptied. The seed is whoever made the machine's.
 */
const PURGE = `
set -eu
units=/etc/systemd/system
for unit in bootlace.service bootlace-hostkeys.service; do
  [ "$(readlink "$units/$unit" 2>/dev/null)" = /dev/null ] || rm -f "$units/multi-user.target.wants/$unit" "$units/$unit"
done
rm -f /etc/cron.d/bootlace
[ ! -d /run/systemd/system ] || systemctl daemon-reload
if grep -q 'bootlace on a machine' /usr/bin/bootlace 2>/dev/null; then rm -f /usr/bin/bootlace; fi
rm -rf /usr/lib/bootlace /usr/lib/bootlace-[0-9]*-???????????? /etc/bootlace
for folder in /var/lib/bootlace /dev/shm/bootlace; do
  rm -rf "$folder" 2>/dev/null || [ -z "$(ls -A "$folder")" ]
done
if [ -d /run/bootlace ]; then find /run/bootlace -mindepth 1 -maxdepth 1 ! -name seed ! -name authorized_keys -exec rm -rf {} +; fi
`;

/** Takes everything of Bootlace from a host; what its services made stays. @throws {BootlaceError} `E_REMOTE_COMMAND`. */
export async function purgeHost(session: Session, signal: AbortSignal): Promise<void> {
  await runChecked(session, ["sh", "-c", PURGE, "bootlace-purge"], { signal });
}
