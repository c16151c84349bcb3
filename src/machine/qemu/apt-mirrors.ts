import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Mirrors } from "./base-commands.ts";

const MIRRORS: Mirrors = {
  main: "http://deb.debian.org/debian",
  security: "http://deb.debian.org/debian-security",
};

/**
 * Where Debian's packages come from: `BOOTLACE_DEBIAN_MIRROR`, or what the desk's own apt uses where the desk is a
 * Debian, or deb.debian.org. Only sources whose path ends as Debian's do are taken, so nobody else's are.
 *
 * @param apt for tests: the folder that stands for /etc/apt.
 */
export async function debianMirrors(apt = "/etc/apt"): Promise<Mirrors> {
  const own = process.env.BOOTLACE_DEBIAN_MIRROR?.replace(/\/+$/, "");
  if (own) return { main: own, security: `${own}-security` };
  const texts = await Promise.all((await sourceFiles(apt)).map((file) => readFile(file, "utf8").catch(() => "")));
  return mirrorsOf(texts.join("\n"));
}

/** Reads both formats of sources.list(5): what counts is the first address of each kind. */
export function mirrorsOf(text: string): Mirrors {
  const addresses = text
    .split("\n")
    .filter((line) => /^\s*(?:deb\s|URIs:)/i.test(line))
    .flatMap((line) => line.match(/https?:\/\/[^\s\]]+/g) ?? [])
    .map((address) => address.replace(/\/+$/, ""));
  return {
    main: addresses.find((address) => address.endsWith("/debian")) ?? MIRRORS.main,
    security: addresses.find((address) => address.endsWith("/debian-security")) ?? MIRRORS.security,
  };
}

async function sourceFiles(apt: string): Promise<readonly string[]> {
  const parts = await readdir(join(apt, "sources.list.d")).catch(() => []);
  const own = parts.filter((name) => /\.(?:list|sources)$/.test(name)).sort();
  return [join(apt, "sources.list"), ...own.map((name) => join(apt, "sources.list.d", name))];
}
