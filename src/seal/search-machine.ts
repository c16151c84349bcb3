import { runChecked } from "../session/run-checked.ts";
import type { Session } from "../session/session.ts";
import type { Find } from "./find.ts";
import type { Wanted } from "./inside/main.ts";
import { searchProgram } from "./inside/program.ts";
import type { Needle } from "./needles.ts";

/** The runtime that the machine has. What it looks for comes on standard input: it is never in a file or in an argv. */
const SEARCH = `
set -eu
S=/var/lib/bootlace
runtime=$(sed -n 's/^runtime=//p' "$S/current")
case $runtime in
  system) node=node ;;
  *) node=$S/runtimes/$runtime/bin/node ;;
esac
exec "$node" --input-type=module -e "$1"
`;

/**
 * Searches a machine that runs, from inside, where nothing of it lies at the desk: the last thing before it is stopped.
 * Free space is not searched, nor are extended attributes.
 *
 * @param began when the build began, by the desk's clock: what is older is the base's. The machine's own clock may be another, and may be
 *   set by as much as passes until the machine writes its first file.
 * @throws {BootlaceError} `E_REMOTE_COMMAND` when it could not be searched to the end.
 */
export async function searchMachine(
  session: Session,
  needles: readonly Needle[],
  began: number,
  signal: AbortSignal,
): Promise<readonly Find[]> {
  const program = Buffer.from(await searchProgram()).toString();
  const wanted: Wanted = {
    needles: needles.map(({ name, bytes }) => ({ name, base64: bytes.toString("base64") })),
    age: Date.now() - began,
  };
  const said = await runChecked(session, ["sh", "-c", SEARCH, "bootlace-search", program], {
    stdin: Buffer.from(JSON.stringify(wanted)),
    signal,
  });
  return JSON.parse(said) as readonly Find[];
}
