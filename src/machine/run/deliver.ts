import type { Bundle } from "../../bundle/pack.ts";
import { DELIVERY_FOLDER, machineBootConf } from "../../deploy/boot-conf.ts";
import { makeDelivery } from "../../deploy/delivery.ts";
import type { LoadedProject } from "../../project/loaded.ts";
import type { Runtime } from "../../runtime/obtain-runtime.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";

/** The boot.conf that leads stage1 to what the desk delivered. */
export const DELIVERY_CONF = `${DELIVERY_FOLDER}/boot.conf`;

export interface Delivered {
  readonly loaded: LoadedProject;
  readonly bundle: Bundle;
  readonly runtime: Runtime | "system";
  /** What the machine runs when nobody asks for anything: `/etc/bootlace/services`. Undefined: it stays as it is. */
  readonly roots?: readonly string[] | undefined;
  /** False: no boot hook is installed; one that is there stays. */
  readonly hook?: boolean;
}

/**
 * A runtime that is there is started beside, and does nothing: what the first read of a new disk takes, which is seconds
 * for a volume that comes from a snapshot, passes while the rest is delivered.
 */
const LIST = `
uname -m
cd /var/lib/bootlace 2>/dev/null || exit 0
for file in bundles/* runtimes/* artifacts/*; do
  [ ! -e "$file" ] || echo "$file"
  if [ -x "$file/bin/node" ]; then "$file/bin/node" -e 0 </dev/null >/dev/null 2>&1 & fi
done
`;

/** Arguments: delivery folder, boot.conf's text, `--no-hook` or nothing, and where they are to be written, roots (one a line). The archive comes on stdin. */
const UNPACK = `
set -eu
umask 022
rm -rf "$1"
mkdir -p "$1"
tar -xzf - --no-same-owner -C "$1"
(umask 077 && printf '%s' "$2" >"$1/machine.conf")
sh "$1/stage1/install" --conf "$1/machine.conf" $3
[ $# -gt 3 ] || exit 0
printf '%s' "$4" >/etc/bootlace/services.new
mv -f /etc/bootlace/services.new /etc/bootlace/services
`;

/**
 * Brings a project to a machine in one upload of what is missing there, and installs stage1 and the boot hook.
 * Runs nothing of the project.
 *
 * @throws {BootlaceError} `E_REMOTE_COMMAND` when the machine could not take it.
 */
export async function deliver(session: Session, what: Delivered, signal?: AbortSignal): Promise<void> {
  const options = signal ? { signal } : {};
  const [machine, ...there] = (await runChecked(session, ["sh", "-c", LIST, "bootlace-list"], options)).split("\n");
  const of = (kind: string) =>
    new Set(there.filter((line) => line.startsWith(`${kind}/`)).map((line) => line.slice(kind.length + 1)));
  const { loaded, bundle, runtime, roots } = what;
  const stdin = makeDelivery({
    loaded,
    bundle,
    runtime,
    channel: "desk",
    arch: machine === "aarch64" || machine === "arm64" ? "arm64" : "x86_64",
    has: { bundles: of("bundles"), runtimes: of("runtimes"), artifacts: of("artifacts") },
  });
  const lines = roots ? [roots.map((root) => `${root}\n`).join("")] : [];
  const hook = what.hook === false ? "--no-hook" : "";
  const conf = machineBootConf(loaded.config, loaded.dir);
  await runChecked(session, ["sh", "-c", UNPACK, "bootlace-deliver", DELIVERY_FOLDER, conf, hook, ...lines], {
    ...options,
    stdin,
  });
}
