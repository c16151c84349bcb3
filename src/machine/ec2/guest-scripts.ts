/** Scripts that the desk runs on an instance over its session; POSIX sh. */

/**
 * Tells the machine who it is, where nothing on it did: /run/bootlace/seed, as docs/contracts.md has it. Bootlace's own
 * boot hook reads the purpose by itself. Arguments: machine, purpose, region.
 */
export const SEED = `
umask 022
if ! grep -qs '^machine=' /run/bootlace/seed; then
  mkdir -p /run/bootlace
  boot=$(cat /proc/sys/kernel/random/boot_id)
  printf 'provider=ec2\\nmachine=%s\\nboot=%s\\npurpose=%s\\nregion=%s\\n' "$1" "$boot" "$2" "$3" >/run/bootlace/seed.desk
  mv -f /run/bootlace/seed.desk /run/bootlace/seed
fi
cat /etc/machine-id
`;

/** Where the dead-man timer has its deadline: memory alone, so no image can carry it. */
const FILE = "/run/bootlace/dead-man";

/**
 * Powers the machine off when the deadline in the file has passed; ends when the file is gone or another's. Without
 * braces behind a dollar, which systemd would take for variables of its own (systemd.service(5), "Command lines").
 * Arguments: file, id.
 */
const WATCH = `PATH=$PATH:/usr/sbin:/sbin
while read -r own until <"$1" && [ "$own" = "$2" ]; do
  IFS=. read -r up _ </proc/uptime
  if [ "$up" -ge "$until" ]; then
    echo "bootlace[guest]: no desk asked for this machine any more, so it powers off" >/dev/console 2>/dev/null
    systemctl poweroff 2>/dev/null || poweroff || halt -p
    exit
  fi
  sleep 5
done`;

/**
 * Sets the deadline, and starts the timer where it does not run. As a transient unit it lies under /run; without systemd it
 * is a process. Arguments: id of build and instance, seconds from now, the watching script.
 */
export const ARM = `
file=${FILE}
mkdir -p /run/bootlace
read -r up _ </proc/uptime
umask 077
printf '%s %s\\n' "$1" "$((\${up%%.*} + $2))" >"$file.new" && mv -f "$file.new" "$file"
if [ -d /run/systemd/system ]; then
  systemctl is-active --quiet bootlace-dead-man.service ||
    systemd-run --quiet --collect --unit=bootlace-dead-man --description="Bootlace: ends a builder whose desk is gone" \\
      /bin/sh -c "$3" bootlace-dead-man "$file" "$1"
elif ! { read -r pid <"$file.pid" && kill -0 "$pid"; } 2>/dev/null; then
  setsid sh -c 'echo $$ >"$2.pid"; exec sh -c "$1" bootlace-dead-man "$2" "$3"' sh "$3" "$file" "$1" </dev/null >/dev/null 2>&1 &
fi
`;

/** Arguments of {@link ARM}. */
export const armArguments = (id: string, seconds: number): readonly string[] => [id, String(seconds), WATCH];

export const DISARM = `rm -f ${FILE}`;

/**
 * Said before a session is closed in order. A machine whose host keys sealing has removed lets nobody in any more, so its
 * timer is ended; elsewhere it has the time that is left. Answers the journal's last word on a run. Arguments as of {@link ARM}.
 */
export const FAREWELL = `
if ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then
${ARM}
else
  ${DISARM}
fi
`;

/** The journal's last record that opens or ends a run; nothing where there is no journal. */
export const LAST_RUN = `grep -aE '"k":"(open|close|checkpoint)"' /var/lib/bootlace/journal 2>/dev/null | tail -n 1`;

/** Fails, naming what it found, where an image brought a dead-man timer along. */
export const NOTHING_INHERITED = `
found=$(
  ls ${FILE}* 2>/dev/null
  find /etc/systemd /usr/lib/systemd /lib/systemd /etc/cron* /var/spool/cron -name '*bootlace-dead-man*' 2>/dev/null
  systemctl list-units --all --plain --no-legend 'bootlace-dead-man*' 2>/dev/null
)
[ -z "$found" ] || { echo "$found" >&2; exit 1; }
`;
