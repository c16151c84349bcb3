/** Capabilities that would reach past a sandbox: kernel modules, the one clock, device nodes. */
const DROPPED = "-sys_module,-sys_time,-mknod";

const CLEAN_ENVIRONMENT = [
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  "HOME=/root",
  "USER=root",
  "LOGNAME=root",
  "SHELL=/bin/sh",
  "LANG=C.UTF-8",
];

export interface BootParts {
  readonly folder: string;
  /** The root, where the hiding layer has to be mounted on it first; empty where one overlay does it all. */
  readonly below: string;
  readonly lower: string;
  readonly hostname: string;
  readonly machineId: string;
}

/** Starts a sandbox; fd 3 gets `pid=N`. It dies with the process that runs this, and everything in it dies with it. */
export function bootCommand(parts: BootParts): readonly string[] {
  return [
    "setpriv",
    `--bounding-set=${DROPPED}`,
    "--pdeathsig=KILL",
    "unshare",
    "--mount",
    "--pid",
    "--uts",
    "--ipc",
    "--fork",
    "--kill-child",
    "--propagation=private",
    "env",
    "-i",
    ...CLEAN_ENVIRONMENT,
    "/bin/sh",
    `${parts.folder}/boot/setup`,
    parts.folder,
    parts.below,
    parts.lower,
    parts.hostname,
    parts.machineId,
  ];
}

/** Runs a line of shell in a sandbox, in root's home, with a clean environment. */
export function enterCommand(init: number, line: string, environment: readonly string[] = []): readonly string[] {
  return [
    "setpriv",
    `--bounding-set=${DROPPED}`,
    "nsenter",
    `--target=${init}`,
    "--mount",
    "--uts",
    "--ipc",
    "--pid",
    "--",
    "/usr/bin/env",
    "-i",
    ...CLEAN_ENVIRONMENT,
    ...environment,
    "/bin/sh",
    "-c",
    `cd\n${line}`,
  ];
}

/** Tries whether an overlay's upper layer can be in a folder over these lower ones; run it in the folder. */
export function probeCommand(lower: readonly string[]): readonly string[] {
  const options = `lowerdir=${lower.map(escapeLayer).join(":")},upperdir=upper,workdir=work`;
  return ["unshare", "--mount", "--propagation=private", "mount", "-t", "overlay", "overlay", "-o", options, "root"];
}

/** A path as overlayfs's options want it (kernel's overlayfs.rst): colons separate, commas end, backslashes escape. */
export function escapeLayer(path: string): string {
  return path.replace(/[\\:,]/g, (special) => `\\${special}`);
}
