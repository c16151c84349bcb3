import { runChecked } from "../session/run-checked.ts";
import type { Session } from "../session/session.ts";

/** cloud-init's own way to wait (its docs, "status --wait"); its failing is its own affair and shown elsewhere. */
const SETTLE = `
if command -v cloud-init >/dev/null 2>&1 && [ -d /run/cloud-init ]; then cloud-init status --wait >/dev/null 2>&1 || :; fi
if [ -d /run/systemd/system ]; then systemctl is-system-running --wait >/dev/null 2>&1 || :; fi
`;

/** Waits until the machine's own first boot is over, so that nothing changes under the build. */
export async function settle(session: Session, signal: AbortSignal): Promise<void> {
  await runChecked(session, ["sh", "-c", SETTLE], { signal });
}
