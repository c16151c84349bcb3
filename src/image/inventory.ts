/** What is on an image, as one script found it when the image was sealed, and what its smoke test found listening. */
export interface Inventory {
  /** systemd units that start by themselves, sorted. */
  readonly units: readonly string[];
  /** `name uid gid home shell`, sorted. */
  readonly users: readonly string[];
  /** `tcp 0.0.0.0:80`, sorted; of processes of the machine itself, after its first update. */
  readonly ports: readonly string[];
  /** By service what it brought: path and digest. What belongs to none is under `machine`. */
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Where people put what no package brought; others' files are told by their packages. */
const FOLDERS = ["/etc", "/usr/local", "/srv", "/opt"];

/** An image's record has to fit into one item of a table, whatever a service unpacks. */
const MOST_FILES = 4000;

/**
 * One look at a machine after it was cleaned. `%` begins a section; a path with a blank stays whole. Files that hold
 * secrets by their nature are left out: even a digest of a short one can be guessed. So is what was there before the
 * line of images began: a base may bring any number of files, and they are the same in all that is made from it.
 *
 * `$1`: when the line began, as `touch -t` takes it, UTC.
 */
export const INVENTORY = `
set -f
echo '% units'
find /etc/systemd/system -type l 2>/dev/null | sed -n 's|.*/[^/]*\\.\\(wants\\|requires\\)/||p'
echo '% users'
cut -d: -f1,3,4,6,7 /etc/passwd | tr : ' '
echo '% files'
mark=$(mktemp) && TZ=UTC0 touch -t "$1" "$mark"
# busybox has no -cnewer; without it a file that keeps the time of its archive is missed.
newer=-cnewer
find "$mark" -cnewer "$mark" >/dev/null 2>&1 || newer=-newer
find ${FOLDERS.join(" ")} -xdev -type f ! -name '*shadow*' ! -name 'ssh_host_*' ! -name 'machine-id' \\
  ! -name '*.key' ! -name '*-' ! -path '/etc/bootlace/*' ! -path '/etc/ssl/private/*' -size -256 $newer "$mark" 2>/dev/null |
  LC_ALL=C sort | head -n ${MOST_FILES} | tr '\\n' '\\0' | xargs -0 -r sha256sum 2>/dev/null
rm -f "$mark"
`;

/** Sockets that processes of this machine hold, and the kernel's tables of all of them: containers share the latter. */
export const PORTS = `
echo '% sockets'
ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n 's/.*socket:\\[\\([0-9]*\\)\\]$/\\1/p' | sort -u
for table in tcp tcp6 udp udp6; do
  echo "% $table"
  sed -n '/^ *[0-9]*: [0-9A-F:]* [0-9A-F:]* 0[7A] /p' /proc/net/$table 2>/dev/null
done
true
`;

/**
 * `$1` of the inventory: the beginning of the line, and an hour before it, since clocks differ.
 *
 * @param lineage `NAME/ID` of its first image.
 */
export function lineBegan(lineage: string): string {
  const [, year, month, day, hour, minute] = /\/(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)/.exec(lineage)?.map(Number) ?? [];
  const at = Date.UTC(year ?? 1970, (month ?? 1) - 1, day ?? 1, (hour ?? 1) - 1, minute ?? 0);
  return new Date(at).toISOString().replace(/\D/g, "").slice(0, 12);
}

/** @param places where the services' artifacts lie: path to service. */
export function readInventory(text: string, places: ReadonlyMap<string, string>): Omit<Inventory, "ports"> {
  const { units = [], users = [], files = [] } = sections(text);
  const byService: Record<string, Record<string, string>> = {};
  for (const line of files) {
    const [, digest = "", path = ""] = /^\\?([0-9a-f]{64}) [ *](.*)$/.exec(line) ?? [];
    if (path === "") continue;
    const [, owner = "machine"] = [...places].find(([place]) => path === place || path.startsWith(`${place}/`)) ?? [];
    byService[owner] = { ...byService[owner], [path]: digest.slice(0, 16) };
  }
  return { units: [...new Set(units)].sort(), users: [...users].sort(), files: byService };
}

/** TCP in LISTEN (0A), UDP bound to a port that is no client's; proc(5), /proc/net/tcp. */
export function readPorts(text: string): readonly string[] {
  const { sockets = [], ...tables } = sections(text);
  const own = new Set(sockets);
  const found = new Set<string>();
  for (const [table, lines] of Object.entries(tables))
    for (const line of lines) {
      const [, local = "", , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      const number = Number.parseInt(port, 16);
      const serves = table.startsWith("tcp") ? state === "0A" : state === "07" && number < FIRST_CLIENT_PORT;
      if (serves && own.has(inode)) found.add(`${table.slice(0, 3)} ${shownAddress(address)}:${number}`);
    }
  return [...found].sort();
}

/** Default of net.ipv4.ip_local_port_range, ip(7). */
const FIRST_CLIENT_PORT = 32_768;

/** Words of four bytes, each as a little-endian machine has it. */
function shownAddress(hex: string): string {
  if (/^0+$/.test(hex)) return "*";
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  return `[${(bytes.join("").match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, "")).join(":")}]`;
}

function sections(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  let now: string[] = [];
  for (const line of text.split("\n")) {
    const [, name] = /^% ([a-z0-9]+)$/.exec(line) ?? [];
    if (name !== undefined) {
      now = [];
      found[name] = now;
    } else if (line !== "") now.push(line);
  }
  return found;
}
