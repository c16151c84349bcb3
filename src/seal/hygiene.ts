/** Part of every image's key: raise it with any change to the table, so that older images are built again. */
export const SEAL_VERSION = 4;

export interface HygieneRow {
  readonly id: string;
  readonly what: string;
  readonly why: string;
  /** POSIX sh, words split at line ends only. `$homes` are the home folders of all users; `burn FILE…` overwrites before it unlinks, `drop FILE…` removes, whole folders too, `holds FILE REGEX` looks; `$key` is the build's key, `$name` its host name. */
  readonly remove: string;
}

/** What a machine gathers and an image must not carry. docs/sealing.md shows this table; a test holds it. */
export const HYGIENE: readonly HygieneRow[] = [
  {
    id: "host-keys",
    what: "SSH host keys",
    why: "Machines with one host key could answer in each other's place",
    remove: "burn /etc/ssh/ssh_host_*",
  },
  {
    id: "build-key",
    what: "The build's key in every user's authorized_keys",
    why: "Whoever has the build's key could log in to every machine made from the image",
    remove: `for home in $homes; do
  file=$home/.ssh/authorized_keys
  # The folder is its user's: nothing is written through what may be a link.
  [ -f "$file" ] && [ ! -L "$file" ] && [ ! -L "$home/.ssh" ] && grep -qF -- "$key" "$file" || continue
  # A folder of our own: in /tmp itself not even root may write to another user's file (sysctl fs.protected_regular).
  work=$(mktemp -d)
  cp -p "$file" "$work/kept"
  grep -vF -- "$key" "$file" >"$work/kept" || :
  if [ -s "$work/kept" ]; then mv -fT "$work/kept" "$file"; else rm -f "$file"; fi
  rm -rf "$work"
  if grep -qsF -- "$key" "$file"; then echo "$current: $file" >&2; failed=yes; fi
done`,
  },
  {
    id: "machine-id",
    what: "machine-id (emptied; its file stays)",
    why: "Every machine needs its own; systemd takes a missing file, not an empty one, for a first boot of its presets",
    remove: `[ ! -e /etc/machine-id ] || : >/etc/machine-id
[ ! -f /var/lib/dbus/machine-id ] || [ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id`,
  },
  {
    id: "host-name",
    what: "The builder's host name in /etc/hostname and /etc/hosts",
    why: "Machines would be called by it until something names them",
    remove: `if [ -n "$name" ]; then
  ! grep -qsF -- "$name" /etc/hostname || : >/etc/hostname
  if grep -qsF -- "$name" /etc/hosts; then
    kept=$(grep -vF -- "$name" /etc/hosts || :)
    printf '%s\\n' "$kept" >/etc/hosts
  fi
fi`,
  },
  {
    id: "cloud-init",
    what: "State of cloud-init",
    why: "A new machine would be taken for the builder and skip its own set-up",
    remove: `for folder in /var/lib/cloud/instances/*; do
  burn "$folder"/user-data.txt* "$folder"/vendor-data.txt* "$folder"/cloud-config.txt "$folder"/obj.pkl
done
drop /var/lib/cloud/* /run/cloud-init
drop /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init`,
  },
  {
    id: "histories",
    what: "Histories of shells and clients",
    why: "They hold what was typed, passwords included",
    remove: `for home in $homes; do
  for file in "$home"/.*history "$home"/.*history-*.tmp "$home"/.histfile "$home"/.local/share/fish/fish_history \\
    "$home"/.lesshst "$home"/.viminfo "$home"/.wget-hsts; do
    [ ! -f "$file" ] || burn "$file"
  done
done`,
  },
  {
    id: "editor-files",
    what: "Swap files of editors in home folders",
    why: "They hold the text that was being written, of files that are gone too",
    remove: `# shellcheck disable=SC2044,SC2086 # words are split at line ends only
for file in $(find $homes -xdev -maxdepth 4 -type f -name '.*.sw[a-p]' 2>/dev/null); do burn "$file"; done`,
  },
  {
    id: "credentials",
    what: "Credentials of command line tools",
    why: "They give access to accounts, whoever reads the image",
    remove: `for home in $homes; do
  burn "$home/.netrc" "$home/.git-credentials" "$home/.pypirc" "$home/.pgpass" "$home/.my.cnf" \\
    "$home/.docker/config.json" "$home/.aws/credentials" "$home/.kube/config" "$home/.vault-token" \\
    "$home/.config/gh/hosts.yml" "$home/.cargo/credentials" "$home/.cargo/credentials.toml"
  holds "$home/.npmrc" '_(authToken|auth|password)[[:space:]]*=' && burn "$home/.npmrc"
  holds "$home/.aws/config" 'aws_(secret_access_key|session_token)' && burn "$home/.aws/config"
  drop "$home/.aws/cli/cache" "$home/.aws/sso/cache" "$home/.config/gcloud" "$home/.azure"
done`,
  },
  {
    id: "logs",
    what: "Logs (emptied; files keep owner and mode) and the systemd journal",
    why: "They tell of the builder: addresses, names, sometimes secrets",
    remove: `[ ! -d /run/systemd/system ] || journalctl --relinquish-var >/dev/null 2>&1 || :
drop /var/log/journal/* /var/log/cloud-init*.log
find /var/log -type f \\( -name '*.gz' -o -name '*.xz' -o -name '*.[0-9]' -o -name '*.old' \\) -exec rm -f {} +
find /var/log -type f -size +0 -exec sh -c 'for f; do : >"$f"; done' sh {} +`,
  },
  {
    id: "temporary",
    what: "Temporary files, mail, crash dumps",
    why: "Nobody asked for them, and they may hold anything",
    remove: `for folder in /tmp /var/tmp /var/mail /var/spool/mail /var/crash /var/lib/systemd/coredump; do
  [ ! -d "$folder" ] || find "$folder" -xdev -mindepth 1 -depth -exec rm -rf {} + 2>/dev/null || :
done`,
  },
  {
    id: "network",
    what: "DHCP leases and persistent names of network cards",
    why: "They belong to the builder's hardware",
    remove: `drop /var/lib/dhcp/* /var/lib/dhclient/* /var/lib/dhcpcd/* /var/lib/systemd/network/* /etc/udev/rules.d/70-persistent-net.rules
drop /var/lib/NetworkManager/*.lease /var/lib/NetworkManager/secret_key /var/lib/NetworkManager/seen-bssids /var/lib/NetworkManager/timestamps`,
  },
  {
    id: "ssm-agent",
    what: "State and logs of Amazon's SSM agent",
    why: "They hold the instance's id, its registration and credentials",
    remove: `# shellcheck disable=SC2044,SC2086 # words are split at line ends only
[ ! -d /var/lib/amazon/ssm ] || for file in $(find /var/lib/amazon/ssm -xdev -type f); do burn "$file"; done
drop /var/lib/amazon/ssm/* /var/log/amazon/ssm/*`,
  },
  {
    id: "sudo",
    what: "sudo's timestamps",
    why: "They say who may be root without being asked",
    remove: "drop /run/sudo/ts/* /var/lib/sudo/ts/* /var/lib/sudo/lectured/* /var/db/sudo/*",
  },
  {
    id: "random-seed",
    what: "The saved random seed",
    why: "Machines from one image would start from the same numbers",
    remove: "burn /var/lib/systemd/random-seed /var/lib/urandom/random-seed",
  },
  {
    id: "package-files",
    what: "Downloaded package files",
    why: "They only take up space",
    remove:
      "drop /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/* /var/cache/apt/*.bin /var/cache/dnf/* /var/cache/yum/*",
  },
  {
    id: "delivery",
    what: "What the desk delivered, and the traces of its runs",
    why: "The bundle is unpacked and proven; the archive would only be larger",
    remove:
      "drop /var/lib/bootlace/delivery /var/lib/bootlace/tmp /var/lib/bootlace/handoff /var/lib/bootlace/journal.damaged-* /run/bootlace/secrets /run/bootlace/cred /dev/shm/bootlace",
  },
];

/** The table as one script. `$1` is the base64 part of the build's public key, `$2` the builder's host name, if it has one of its own. A step that fails is named, and fails it. */
export function hygieneScript(rows: readonly HygieneRow[] = HYGIENE): string {
  const steps = rows.map(({ id, remove }) => `step ${id}\n${remove}`);
  return `set -u
key=$1 name=\${2-}
failed=
current=
step() { current=$1; }
homes=$(
  { printf '%s\\n' /root /home/*; cut -d: -f6 /etc/passwd 2>/dev/null; } | sort -u | while IFS= read -r home; do
    case $home in
      # Of system users: nobody lives there.
      / | /bin | /sbin | /usr | /usr/bin | /usr/sbin | /dev | /proc | /run | /var/run | /var/run/* | /run/* | /sys) ;;
      *) [ ! -d "$home" ] || printf '%s\\n' "\${home%/}" ;;
    esac
  done
)
IFS='
'
burn() {
  for file; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    [ -f "$file" ] && [ ! -L "$file" ] || { rm -f "$file"; continue; }
    size=$(wc -c <"$file")
    dd if=/dev/zero of="$file" bs=65536 count=$((size / 65536 + 1)) conv=notrunc,fsync 2>/dev/null || :
    rm -f "$file" || { echo "$current: $file" >&2; failed=yes; }
  done
}
# No process for what is not there, which is most of the table.
drop() {
  for file; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    rm -rf "$file" || { echo "$current: $file" >&2; failed=yes; }
  done
}
holds() { [ -f "$1" ] && grep -Eqs -- "$2" "$1"; }
${steps.join("\n")}
[ -z "$failed" ]
`;
}
