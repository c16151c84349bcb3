import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";

/** Shell: identity of the present boot, as a run's first event names it (stage2/plan/facts-from.ts). */
export const BOOT_ID =
  "sed -n 's/^boot=//p' /run/bootlace/seed 2>/dev/null | grep . || cat /proc/sys/kernel/random/boot_id";

/**
 * Shell: `hooked` is true where a boot runs Bootlace: by systemd, cron or a sandbox's init. A unit that is masked is a link
 * to /dev/null, and no file.
 */
export const HOOKED = `
hooked() {
  [ -f /usr/lib/bootlace/boot ] && [ -x /usr/lib/bootlace/boot ] || return 1
  [ ! -f /etc/systemd/system/multi-user.target.wants/bootlace.service ] || return 0
  [ ! -f /etc/cron.d/bootlace ] || return 0
  grep -q '^provider=sandbox' /run/bootlace/seed 2>/dev/null
}
`;

/** The boot's identity, over an open session. @throws {BootlaceError} `E_REMOTE_COMMAND`, what the session throws. */
export async function bootOf(session: Session, signal?: AbortSignal): Promise<string> {
  return (await runChecked(session, ["sh", "-c", BOOT_ID, "bootlace-boot-id"], signal ? { signal } : {})).trim();
}

/** True where the machine runs Bootlace at its boots. */
export async function isHooked(session: Session, signal?: AbortSignal): Promise<boolean> {
  return (await session.exec(["sh", "-c", `${HOOKED}hooked`], signal ? { signal } : {})).exit === 0;
}
