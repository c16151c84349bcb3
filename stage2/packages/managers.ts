import type { PackageManager } from "../types/service.ts";

/** What we ask of a package manager. Commands are argv arrays; nothing here runs them. */
export interface ManagerCommands {
  /** Mends what an interrupted transaction left. */
  readonly repair: readonly (readonly string[])[];
  readonly refresh: readonly string[];
  readonly install: (names: readonly string[]) => readonly string[];
  /** Exits 0 when all are installed. */
  readonly query: (names: readonly string[]) => readonly string[];
  /** Finds names of packages in the manager's complaints; the first group is the name. */
  readonly complaints: readonly RegExp[];
}

const apt = (...words: string[]): string[] => [
  "/usr/bin/apt-get",
  "-q",
  "-y",
  "-o",
  "DPkg::Lock::Timeout=300",
  "-o",
  "Dpkg::Use-Pty=0",
  ...words,
];

export const MANAGERS: Readonly<Record<PackageManager, ManagerCommands>> = {
  apt: {
    repair: [["/usr/bin/dpkg", "--force-confdef", "--force-confold", "--configure", "-a"]],
    refresh: apt("update"),
    install: (names) =>
      apt("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "install", "--", ...names),
    query: (names) => [
      "/bin/sh",
      "-c",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
      'for p; do [ "$(dpkg-query -W -f=\'${db:Status-Status}\' "${p%%=*}" 2>/dev/null)" = installed ] || exit 1; done',
      "query",
      ...names,
    ],
    complaints: [
      /Unable to locate package (\S+)/g,
      /Package '([^']+)' has no installation candidate/g,
      /Version '[^']+' for '([^']+)' was not found/g,
      /Couldn't find any package by (?:glob|regex) '([^']+)'/g,
      /dpkg: error processing (?:package|archive) (\S+)/g,
    ],
  },
  dnf: {
    repair: [],
    refresh: ["/usr/bin/dnf", "-q", "makecache"],
    install: (names) => ["/usr/bin/dnf", "-y", "--setopt=exit_on_lock=False", "install", "--", ...names],
    query: (names) => ["/usr/bin/rpm", "-q", "--whatprovides", "--", ...names],
    complaints: [
      /No match for argument: (\S+)/g,
      /Unable to find a match: (\S+)/g,
      /Error unpacking rpm package (\S+)/g,
    ],
  },
  apk: {
    repair: [["/sbin/apk", "fix"]],
    refresh: ["/sbin/apk", "update"],
    install: (names) => ["/sbin/apk", "add", "--wait", "300", ...names],
    query: (names) => ["/sbin/apk", "info", "-e", ...names],
    complaints: [/^\s*(\S+) \(no such package\)/gm, /ERROR: (\S+?)-[0-9]/g],
  },
};

/** Says in one line which packages failed and who asked for them. */
export function explainFailure(
  manager: PackageManager,
  output: string,
  wanted: Readonly<Record<string, readonly string[]>>,
): string {
  const named = MANAGERS[manager].complaints.flatMap((pattern) =>
    [...output.matchAll(pattern)].map((match) => match[1] ?? ""),
  );
  const guilty = [...new Set(named.map((name) => name.replace(/:[a-z0-9]+$/, "")))];
  if (guilty.length === 0) {
    const services = [...new Set(Object.values(wanted).flat())];
    return `${manager} failed for the packages of ${services.join(", ")}`;
  }
  return guilty
    .map((name) => {
      const services = Object.entries(wanted).find(([want]) => want.split("=")[0] === name)?.[1];
      return `package "${name}" cannot be installed${services ? `, asked for by ${services.join(", ")}` : ", needed by another package"}`;
    })
    .join("; ");
}
