#!/bin/sh
# The least that makes an image: overlay, boot, ssh, ten scripts, a little sealing, power off, compress. No checks at all.
#   image-by-hand.sh DISK KERNEL INITRD KEY SCRIPTS OUTPUT
set -eu
disk=$1 kernel=$2 initrd=$3 key=$4 scripts=$5 output=$6
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
on 'rm -f /etc/ssh/ssh_host_*; : >/etc/machine-id; rm -rf /var/log/journal/*; fstrim -a; systemctl poweroff' || :
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
qemu-img convert -c -W -m 8 -O qcow2 -o "compression_type=zstd,backing_file=$disk,backing_fmt=qcow2" "$work/disk.qcow2" "$output"
