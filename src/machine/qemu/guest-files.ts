/** Part of a made base's key: raise it with any change to what a base is made of, so that bases are made again. */
export const GUEST_VERSION = 1;

/**
 * Tells the machine who it is, from the kernel's line, before anybody logs in: nothing of the desk's access is ever on
 * the disk. What the desk waits for is printed on the console by {@link KEYS_SCRIPT}: the boot's id, and the host keys
 * between cloud-init's markers.
 */
export const GUEST_SCRIPT = `#!/bin/sh
# What the host says of this machine, and what it wants to hear. docs/qemu.md, "The guest's side".
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022
machine='' purpose=run hostname='' authorized=''
# shellcheck disable=SC2013 # the kernel's line is words
for word in $(cat /proc/cmdline); do
  case $word in
    bootlace.machine=*) machine=\${word#*=} ;;
    bootlace.purpose=*) purpose=\${word#*=} ;;
    bootlace.hostname=*) hostname=\${word#*=} ;;
    bootlace.authorized=*) authorized=\${word#*=} ;;
  esac
done
boot=$(cat /proc/sys/kernel/random/boot_id)
mkdir -p /run/bootlace
if [ -n "$machine" ]; then
  printf 'provider=qemu\\nmachine=%s\\nboot=%s\\npurpose=%s\\nhostname=%s\\n' "$machine" "$boot" "$purpose" "$hostname" \\
    >/run/bootlace/seed.new
  mv -f /run/bootlace/seed.new /run/bootlace/seed
fi
[ -z "$hostname" ] || printf '%s' "$hostname" >/proc/sys/kernel/hostname
[ -z "$authorized" ] || printf '%s' "$authorized" | base64 -d >/run/bootlace/authorized_keys
`;

/** Makes the host key at a machine's first boot, and shows it on the console, in one write so that nothing comes in between. */
export const KEYS_SCRIPT = `#!/bin/sh
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022
key=/etc/ssh/ssh_host_ed25519_key
if [ ! -s "$key" ] || [ ! -s "$key.pub" ]; then
  # Renamed when it is whole: a power cut leaves no half a key.
  rm -f "$key.new" "$key.new.pub"
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$key.new" </dev/null
  mv -f "$key.new.pub" "$key.pub"
  mv -f "$key.new" "$key"
fi
boot=$(cat /proc/sys/kernel/random/boot_id)
keys=$(cat /etc/ssh/ssh_host_*_key.pub)
printf '\\nbootlace[guest]: boot=%s\\n-----BEGIN SSH HOST KEY KEYS-----\\n%s\\n-----END SSH HOST KEY KEYS-----\\n' "$boot" "$keys" \\
  >/dev/console
`;

const GUEST_UNIT = `[Unit]
Description=Bootlace: what the host says of this machine
DefaultDependencies=no
After=systemd-remount-fs.service
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/libexec/bootlace-guest

[Install]
WantedBy=sysinit.target
`;

/** Beside the rest of the boot: to make a key takes seconds where a processor is emulated. */
const KEYS_UNIT = `[Unit]
Description=Bootlace: SSH host key, shown to the host
DefaultDependencies=no
After=systemd-remount-fs.service bootlace-guest.service
Before=ssh.service ssh.socket bootlace-hostkeys.service bootlace.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/libexec/bootlace-guest-keys

[Install]
WantedBy=sysinit.target
`;

/** Saves the desk from knocking at a port behind which nobody listens yet. */
const READY_UNIT = `[Unit]
Description=Bootlace: tells the host that this machine can be reached
Wants=network-online.target
After=network-online.target ssh.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "bootlace[guest]: ready" >/dev/console'

[Install]
WantedBy=multi-user.target
`;

const SSHD = `# The desk's key comes with each boot and is gone with it.
AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /run/bootlace/authorized_keys
PasswordAuthentication no
`;

const NETWORK = `[Match]
Type=ether

[Network]
DHCP=yes
`;

/** There before the kernel's package makes its initrd: a chroot cannot tell what the machine will have. */
export const EARLY_FILES: Readonly<Record<string, string>> = {
  "etc/initramfs-tools/conf.d/bootlace": "MODULES=list\n",
  "usr/share/initramfs-tools/modules.d/bootlace":
    "virtio_pci\nvirtio_mmio\nvirtio_blk\nvirtio_scsi\nvirtio_net\nsd_mod\nahci\nnvme\next4\ncrc32c_generic\n",
};

/** What a made base has beyond its packages, by path. Programs are those in /usr/libexec. */
export const LATE_FILES: Readonly<Record<string, string>> = {
  "usr/libexec/bootlace-guest": GUEST_SCRIPT,
  "usr/libexec/bootlace-guest-keys": KEYS_SCRIPT,
  "etc/systemd/system/bootlace-guest.service": GUEST_UNIT,
  "etc/systemd/system/bootlace-guest-keys.service": KEYS_UNIT,
  "etc/systemd/system/bootlace-guest-ready.service": READY_UNIT,
  "etc/ssh/sshd_config.d/50-bootlace.conf": SSHD,
  "etc/systemd/network/80-bootlace.network": NETWORK,
  // Discarded blocks leave the disk's file: what was deleted is not in an image.
  "etc/fstab": "LABEL=bootlace / ext4 defaults,discard,errors=remount-ro,x-systemd.growfs 0 1\n",
  "etc/default/locale": "LANG=C.UTF-8\n",
  "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
  // Empty, not missing: systemd takes a missing one for the very first boot and resets what is enabled.
  "etc/machine-id": "",
};

/** Links of a made base, target by path: what `systemctl enable` would make, without running anything of the guest. */
export const LINKS: Readonly<Record<string, string>> = {
  "etc/systemd/system/sysinit.target.wants/bootlace-guest.service": "/etc/systemd/system/bootlace-guest.service",
  "etc/systemd/system/sysinit.target.wants/bootlace-guest-keys.service":
    "/etc/systemd/system/bootlace-guest-keys.service",
  "etc/systemd/system/multi-user.target.wants/bootlace-guest-ready.service":
    "/etc/systemd/system/bootlace-guest-ready.service",
  "etc/systemd/system/multi-user.target.wants/systemd-networkd.service": "/lib/systemd/system/systemd-networkd.service",
  "etc/systemd/system/sockets.target.wants/systemd-networkd.socket": "/lib/systemd/system/systemd-networkd.socket",
  "etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service":
    "/lib/systemd/system/systemd-networkd-wait-online.service",
  "etc/systemd/system/dbus-org.freedesktop.network1.service": "/lib/systemd/system/systemd-networkd.service",
  "etc/systemd/system/multi-user.target.wants/systemd-resolved.service": "/lib/systemd/system/systemd-resolved.service",
  "etc/systemd/system/dbus-org.freedesktop.resolve1.service": "/lib/systemd/system/systemd-resolved.service",
  "etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf",
  // They take apt's lock in the middle of a build; who wants updates by themselves has a service for it.
  "etc/systemd/system/apt-daily.timer": "/dev/null",
  "etc/systemd/system/apt-daily-upgrade.timer": "/dev/null",
  // Of LVM snapshots, which there are none of; it costs each boot a second.
  "etc/systemd/system/e2scrub_reap.service": "/dev/null",
  "etc/systemd/system/e2scrub_all.timer": "/dev/null",
};

/** What installing packages leaves behind that belongs to one machine, or to nobody. Shell patterns. */
export const REMOVED: readonly string[] = [
  "etc/ssh/ssh_host_*",
  "etc/hostname",
  "etc/apt/sources.list.d/0000sources.list",
  "var/lib/dbus/machine-id",
  "var/lib/systemd/random-seed",
  "var/cache/apt/archives/*.deb",
  "var/cache/apt/*.bin",
  "var/lib/apt/lists/*_*",
  "var/log/*.log",
  "var/log/apt/*",
];
