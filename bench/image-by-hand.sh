#!/bin/sh
# An image by hand: overlay, boot, ssh, ten scripts, power off, compress. Without `sealed` the least that works: a little
# cleaning and no checks at all. With it, what somebody writes who wants what Bootlace promises: services stop, what belongs
# to this machine goes, the list of packages is kept, the stopped disk is searched for the key, address and host key.
#   image-by-hand.sh DISK KERNEL INITRD KEY SCRIPTS OUTPUT [sealed]
set -eu
disk=$1 kernel=$2 initrd=$3 key=$4 scripts=$5 output=$6 sealed=${7:-}
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || :; rm -rf "$work"' EXIT
qemu-img create -q -f qcow2 -F qcow2 -b "$disk" "$work/disk.qcow2"
qemu-system-x86_64 -nodefaults -display none -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 1G -daemonize \
  -pidfile "$work/pid" -drive "file=$work/disk.qcow2,if=virtio,cache=unsafe,discard=unmap,detect-zeroes=unmap" \
  -netdev user,id=net,hostfwd=tcp:127.0.0.1:2290-:22 -device virtio-net-pci,netdev=net,romfile= -device virtio-rng-pci \
  -kernel "$kernel" -initrd "$initrd" \
  -append "root=LABEL=bootlace rw console=ttyS0 quiet bootlace.machine=hand bootlace.authorized=$(base64 -w0 "$key.pub")"
pid=$(cat "$work/pid")
on() {
  ssh -i "$key" -p 2290 -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o ConnectTimeout=5 -o ControlMaster=auto -o "ControlPath=$work/ssh" -o ControlPersist=60 root@127.0.0.1 "$@"
}
until on true 2>/dev/null; do sleep 0.2; done
for script in "$scripts"/*; do on sh -e <"$script"; done
if [ -n "$sealed" ]; then
  on 'dpkg-query -W' >"$output.packages"
  host_key=$(on 'cut -d" " -f2 /etc/ssh/ssh_host_ed25519_key.pub')
  machine_id=$(on 'cat /etc/machine-id')
  on <<'END'
systemctl stop cron.service nginx.service apt-daily.timer apt-daily-upgrade.timer systemd-random-seed systemd-update-utmp systemd-journal-flush 2>/dev/null
for file in /etc/ssh/ssh_host_*_key /var/lib/systemd/random-seed; do [ ! -f "$file" ] || shred -n 0 -z -u "$file"; done
rm -rf /etc/ssh/ssh_host_* /root/.ssh /root/.*history /home/*/.*history /home/*/.ssh/authorized_keys
: >/etc/machine-id
rm -rf /var/lib/dbus/machine-id /var/lib/cloud/* /var/lib/dhcp/* /var/lib/systemd/network/* /var/log/journal/*
find /var/log -type f -exec truncate -s 0 {} +
find /tmp /var/tmp /var/mail /var/crash -xdev -mindepth 1 -delete 2>/dev/null
apt-get clean
rm -rf /var/cache/apt/*.bin
END
fi
on 'rm -f /etc/ssh/ssh_host_*; : >/etc/machine-id; rm -rf /var/log/journal/*; fstrim -a; systemctl poweroff' || :
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
if [ -n "$sealed" ]; then
  # The overlay holds its clusters as they are.
  found=$(LC_ALL=C grep -aoF -e "$host_key" -e "$machine_id" -e "$(cut -d' ' -f2 "$key.pub")" "$work/disk.qcow2" | sort | uniq -c) || :
  [ -z "$found" ] || printf 'the disk still holds what tells the builder:\n%s\n' "$found" >&2
fi
qemu-img convert -c -W -m 8 -O qcow2 -o "compression_type=zstd,backing_file=$disk,backing_fmt=qcow2" "$work/disk.qcow2" "$output"
