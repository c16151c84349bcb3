import { dirname } from "node:path";
import { quoteArgv } from "../../session/quote.ts";
import { ARCH, type GuestArch } from "./arch.ts";
import { EARLY_FILES, LATE_FILES, LINKS, REMOVED } from "./guest-files.ts";

/** What a machine needs to boot, be reached, and take a delivery. */
export const BASE_PACKAGES: readonly string[] = [
  "ca-certificates",
  "curl",
  "dbus",
  "iproute2",
  "openssh-server",
  "openssl",
  "procps",
  "sudo",
  "systemd-sysv",
  "zstd",
];

/** Releases in which systemd-resolved is a part of the package systemd. */
const BEFORE_RESOLVED = new Set(["jessie", "stretch", "buster", "bullseye"]);

export function basePackages(suite: string, arch: GuestArch): readonly string[] {
  const resolved = BEFORE_RESOLVED.has(suite) ? [] : ["systemd-resolved"];
  return [...BASE_PACKAGES, ...resolved, ARCH[arch].kernel].sort();
}

export interface Mirrors {
  readonly main: string;
  readonly security: string;
}

/** The lines that the base's own apt gets, and that it is made from. */
export function sourcesList(suite: string, { main, security }: Mirrors): string {
  const lines = [`deb ${main} ${suite} main`];
  // sid has neither.
  if (suite !== "sid" && suite !== "unstable")
    lines.push(`deb ${main} ${suite}-updates main`, `deb ${security} ${suite}-security main`);
  return `${lines.join("\n")}\n`;
}

export interface BaseParts {
  readonly suite: string;
  readonly arch: GuestArch;
  readonly mirrors: Mirrors;
  /** The runtime that deliveries bring otherwise: in the base it need not be sent and unpacked in every build. */
  readonly runtime: { readonly digest: string; readonly file: string };
  /** A folder of the desk's; absolute. Everything is made in it. */
  readonly work: string;
  /** Whether the desk's user is root. */
  readonly root: boolean;
}

/** mmdebstrap(1): a tar file of the packages. Without root in a user namespace, which it makes itself. */
export function mmdebstrapCommand({ suite, arch, work, root }: BaseParts): readonly string[] {
  return [
    "mmdebstrap",
    // Not --quiet: then apt's own errors are not told.
    "--variant=minbase",
    `--mode=${root ? "root" : "unshare"}`,
    `--architectures=${ARCH[arch].debian}`,
    "--format=tar",
    // One of its own hooks: in a user namespace only mmdebstrap itself can read the desk's files.
    `--setup-hook=tar-in ${quoteArgv([`${work}/early.tar`])} /`,
    `--include=${basePackages(suite, arch).join(",")}`,
    suite,
    `${work}/base.tar`,
    `${work}/sources.list`,
  ];
}

/** debootstrap(8): a folder, which is packed and removed by the next command. Needs root. */
export function debootstrapCommand({ suite, arch, mirrors, work }: BaseParts): readonly string[] {
  const { debian } = ARCH[arch];
  return [
    "debootstrap",
    "--variant=minbase",
    `--arch=${debian}`,
    `--include=${basePackages(suite, arch).join(",")}`,
    suite,
    `${work}/tree`,
    mirrors.main,
  ];
}

/**
 * From a tree to a disk: what is ours put in, kernel and initrd taken out, ext4 without a partition table. In a user
 * namespace where the desk is not root, so that the files are root's all the same. Arguments: work folder, bytes, the
 * runtime's digest and file.
 */
export const FINISH_SCRIPT = `
set -eu
umask 022
work=$1 bytes=$2 digest=$3 runtime=$4
cd "$work"
if [ -f base.tar ]; then
  mkdir tree
  tar -xf base.tar -C tree --numeric-owner --xattrs --xattrs-include='*'
  rm base.tar
fi
(cd tree && rm -rf ${REMOVED.join(" ")})
tar -xf late.tar -C tree --no-same-owner --no-overwrite-dir
${Object.entries(LINKS)
  .map(([path, target]) => `mkdir -p tree/${dirname(path)}\nln -sfn ${target} tree/${path}`)
  .join("\n")}
cp sources.list tree/etc/apt/sources.list
mkdir -p "tree/var/lib/bootlace/runtimes/$digest"
tar -xzf "$runtime" -C "tree/var/lib/bootlace/runtimes/$digest" --no-same-owner
newest() { find tree/boot -maxdepth 1 -type f -name "$1" | sort -V | tail -n 1; }
cat "$(newest 'vmlinuz-*')" >kernel
cat "$(newest 'initrd.img-*')" >initrd
truncate -s "$bytes" disk.raw
mkfs.ext4 -q -F -L bootlace -m 1 -E lazy_itable_init=0,lazy_journal_init=0,discard,root_owner=0:0 -d tree disk.raw
rm -rf tree
`;

/** Runs {@link FINISH_SCRIPT}. */
export function finishCommand({ work, root, runtime }: BaseParts, bytes: number): readonly string[] {
  const inside = root ? [] : ["unshare", "--map-root-user", "--map-auto", "--"];
  return [...inside, "sh", "-c", FINISH_SCRIPT, "bootlace-base", work, String(bytes), runtime.digest, runtime.file];
}

/** All that decides what a base is, but for the day it is made on. */
export function baseRecipe(suite: string, arch: GuestArch, mirrors: Mirrors): string {
  return JSON.stringify([
    suite,
    basePackages(suite, arch),
    sourcesList(suite, mirrors),
    EARLY_FILES,
    LATE_FILES,
    LINKS,
    REMOVED,
    FINISH_SCRIPT,
  ]);
}
