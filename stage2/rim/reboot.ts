import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Facts } from "../types/facts.ts";

/** Asks for a reboot: a sandbox is rebooted by its supervisor, which looks for the file; others by their init. */
export function requestReboot(volatile: string, facts: Facts): void {
  mkdirSync(volatile, { recursive: true });
  writeFileSync(join(volatile, "reboot"), "");
  if (facts.provider === "sandbox") return;
  const argv = facts.has.includes("systemd") ? ["systemctl", "reboot"] : ["reboot"];
  spawnSync(argv[0] ?? "reboot", argv.slice(1), { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, stdio: "ignore" });
}
