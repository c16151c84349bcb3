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
 * Takes from a machine what no image may carry, after its services sealed themselves, and makes its journal a
 * checkpoint that tells nothing of the builder. Answers what is installed.
 *
 * @throws {BootlaceError} `E_REMOTE_COMMAND` naming what could not be removed.
 */
export async function sealMachine(
  session: Session,
  identity: readonly NamedValue[],
  signal: AbortSignal,
): Promise<{ readonly packages: readonly string[] }> {
  const packages = (await runChecked(session, ["sh", "-c", PACKAGES], { signal })).split("\n").filter(Boolean).sort();
  const key = identity.find(({ name }) => name === "the build's SSH key")?.value ?? "no key of this build";
  await runChecked(session, ["sh", "-c", hygieneScript(), "bootlace-seal", key], { signal });
  await runChecked(session, ["/usr/lib/bootlace/bootlace", "checkpoint"], { signal });
  return { packages };
}
