/**
 * Makes a sandbox's mounts and becomes its PID 1. Runs under `unshare --mount --pid --uts --ipc --fork` in the depot,
 * so that the paths in the overlay's options are relative and need no quoting.
 * Arguments: machine folder in the depot, root to mount below first or nothing, lowerdir, hostname, machine-id. The
 * seed, the init script and resolv.conf lie in the machine's folder. Tells `pid=N` (as the host counts) on fd 3.
 */
export const SETUP_SCRIPT = `
set -eu
folder=$1 below=$2 lower=$3 hostname=$4 machine_id=$5
parts=$PWD/$folder/boot
options=redirect_dir=off,index=off,metacopy=off
# /proc is the host's until ours is mounted: it tells our pid as the host counts.
read -r pid rest </proc/self/stat
root=$folder/root
[ -z "$below" ] ||
  mount -t overlay overlay -o "lowerdir=$below,upperdir=$folder/cover,workdir=$folder/below-work,$options" "$folder/below"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work,$options" "$root"
cd "$root"
mkdir -p proc sys dev run tmp etc
mount -t proc -o nosuid,nodev,noexec proc proc
echo "$hostname" >proc/sys/kernel/hostname
mount --bind proc/sys proc/sys
mount -o remount,bind,ro,nosuid,nodev,noexec proc/sys
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for node in null zero full random urandom tty; do
  : >"dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm run/lock run/bootlace
chmod 1777 run/lock
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
ln -s /proc/1/fd/1 dev/console
[ -s etc/machine-id ] || echo "$machine_id" >etc/machine-id
cat "$parts/seed" >run/bootlace/seed
cat "$parts/init" >run/bootlace/init
# The name servers are the host's, as the network is; on many hosts the file is a link into /run, which is fresh here.
if [ -L etc/resolv.conf ]; then
  target=$(readlink etc/resolv.conf)
  case $target in
    /run/*) target=.$target ;;
    ../run/*) target=\${target#../} ;;
    *) target= ;;
  esac
  if [ -n "$target" ]; then
    mkdir -p "\${target%/*}"
    cat "$parts/resolv.conf" >"$target"
  fi
elif [ ! -s etc/resolv.conf ]; then
  cat "$parts/resolv.conf" >run/resolv.conf
  : >>etc/resolv.conf
  mount --bind run/resolv.conf etc/resolv.conf
fi
mkdir run/.host
pivot_root . run/.host
cd /
umount -l /run/.host
rmdir /run/.host
echo "pid=$pid" >&3
exec 3>&-
exec /bin/sh /run/bootlace/init
`;

/**
 * PID 1 of a sandbox: runs the boot hook, reaps (a shell that waits takes every orphan), and on TERM ends all
 * processes: TERM, up to 10 s of grace, KILL. `kill -1` in a PID namespace reaches everything but PID 1 itself.
 */
export const INIT_SCRIPT = `
others() {
  for entry in /proc/[0-9]*; do
    [ "$entry" = /proc/1 ] || return 0
  done
  return 1
}
halt() {
  trap '' TERM INT HUP
  kill -s TERM -- -1 2>/dev/null
  tick=0
  while [ "$tick" -lt 200 ] && others; do
    sleep 0.05
    tick=$((tick + 1))
  done
  kill -s KILL -- -1 2>/dev/null
  exit "$1"
}
trap 'halt 0' TERM
trap 'halt 129' HUP
if [ -x /usr/lib/bootlace/boot ]; then
  (
    /usr/lib/bootlace/boot </dev/null
    echo "$?" >/run/bootlace/boot.exit
  ) &
fi
while :; do
  sleep 2000000000 &
  wait "$!"
done
`;
