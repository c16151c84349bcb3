import type { Purpose } from "../../../stage2/index.ts";

export interface SeedParts {
  readonly id: string;
  readonly purpose: Purpose;
  readonly hostname: string;
  /** Public key line of the desk. */
  readonly authorized: string;
  /** OpenSSH private key, PEM, and its public line: the host key that the desk will expect. */
  readonly hostKey: { readonly private: string; readonly public: string };
  /** Gets the desk's key beside root and the image's default user. */
  readonly login: string;
}

/**
 * A NoCloud seed (cloud-init's documentation, "NoCloud"): files by name. JSON is YAML.
 * root gets the desk's key because a build is root's; the host key is planted, so nobody has to be believed.
 */
export function makeSeed(parts: SeedParts): Readonly<Record<"meta-data" | "user-data", string>> {
  const { id, purpose, hostname, authorized, hostKey, login } = parts;
  const config = {
    // Without this a cloud image puts a refusal before root's keys.
    disable_root: false,
    ssh_authorized_keys: [authorized],
    ...(login === "root" ? {} : { users: ["default", { name: login, ssh_authorized_keys: [authorized] }] }),
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: hostKey.private, ed25519_public: hostKey.public },
    // At every boot, and before all else of cloud-init.
    bootcmd: [["sh", "-c", SEED_SCRIPT, "bootlace-seed", id, purpose, hostname]],
  };
  return {
    "meta-data": `${JSON.stringify({ "instance-id": id, "local-hostname": hostname })}\n`,
    "user-data": `#cloud-config\n${JSON.stringify(config, null, 1)}\n`,
  };
}

/** Arguments: machine, purpose, host name. */
const SEED_SCRIPT = `boot=$(cat /proc/sys/kernel/random/boot_id)
mkdir -p /run/bootlace
printf 'provider=qemu\\nmachine=%s\\nboot=%s\\npurpose=%s\\nhostname=%s\\n' "$1" "$boot" "$2" "$3" >/run/bootlace/seed.new
mv -f /run/bootlace/seed.new /run/bootlace/seed
echo "bootlace[guest]: boot=$boot" >/dev/console`;

/** What a made base reads from the kernel's line; the counterpart is in guest-files.ts. */
export function kernelLine(parts: Omit<SeedParts, "hostKey" | "login">, tty: string): string {
  const { id, purpose, hostname, authorized } = parts;
  return [
    "root=/dev/vda",
    "rw",
    `console=${tty}`,
    // Less of the kernel's own on the console, where the host keys are to be read.
    "quiet",
    "loglevel=4",
    "panic=-1",
    `bootlace.machine=${id}`,
    `bootlace.purpose=${purpose}`,
    `bootlace.hostname=${hostname}`,
    `bootlace.authorized=${Buffer.from(`${authorized.trim()}\n`).toString("base64")}`,
  ].join(" ");
}
