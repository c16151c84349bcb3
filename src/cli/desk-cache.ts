import { homedir } from "node:os";
import { join } from "node:path";

/** A folder of the desk's cache: `$XDG_CACHE_HOME/bootlace/NAME`, by default below `~/.cache`. It may not be there yet. */
export function deskCache(name: "artifacts" | "qemu" | "runtimes"): string {
  const { XDG_CACHE_HOME } = process.env;
  // The XDG Base Directory Specification: a relative path is invalid and to be ignored.
  const base = XDG_CACHE_HOME?.startsWith("/") ? XDG_CACHE_HOME : join(homedir(), ".cache");
  return join(base, "bootlace", name);
}
