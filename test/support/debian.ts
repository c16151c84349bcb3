import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

let updated = false;

/**
 * Installs Debian packages that are not there yet, so that a suite brings what it needs. Needs root and apt.
 * Vitest runs files in several processes: apt's own lock makes one wait for the other.
 */
export function ensureDebianPackages(names: readonly string[]): void {
  const missing = names.filter((name) => !installed(name));
  if (missing.length === 0) return;
  const wait = ["-o", "DPkg::Lock::Timeout=120"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = () =>
    execFileSync("apt-get", [...wait, "install", "-y", "-qq", "--no-install-recommends", ...missing], {
      env,
      stdio: "pipe",
    });
  try {
    install();
  } catch (error) {
    if (updated) throw error;
    execFileSync("apt-get", [...wait, "update", "-qq"], { env, stdio: "pipe" });
    updated = true;
    install();
  }
}

function installed(name: string): boolean {
  // dpkg writes this file last for every package, by architecture or without.
  return [
    `/var/lib/dpkg/info/${name}.list`,
    `/var/lib/dpkg/info/${name}:amd64.list`,
    `/var/lib/dpkg/info/${name}:arm64.list`,
  ].some((file) => existsSync(file));
}
