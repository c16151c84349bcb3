import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { placeFile } from "../../lib/state-file.ts";

export interface VirtualHost {
  readonly host: string;
  /** Address or folder. */
  readonly target: string;
}

export interface TlsFiles {
  /** The certificate, then those that lead from it to the root. */
  readonly chain: string;
  readonly key: string;
}

const fileIn = (sites: string): string => join(sites, "100-bootlace-test.conf");

/** The whole of our file of Apache's configuration. */
export function virtualHostsText(hosts: readonly VirtualHost[], port: number, { chain, key }: TlsFiles): string {
  const blocks = hosts.map(({ host, target }) =>
    [
      `<VirtualHost *:${port}>`,
      `  ServerName ${host}`,
      "  SSLEngine on",
      `  SSLCertificateFile "${chain}"`,
      `  SSLCertificateKeyFile "${key}"`,
      ...(target.startsWith("/") ? folder(target) : onward(target.replace(/\/+$/, ""))),
      "</VirtualHost>",
    ].join("\n"),
  );
  return `# Written by bootlace/test at each boot.\nListen ${port} https\n${blocks.join("\n")}\n`;
}

const folder = (path: string): string[] => [
  `  DocumentRoot "${path}"`,
  `  <Directory "${path}">`,
  "    Require all granted",
  "  </Directory>",
];

const onward = (target: string): string[] => [
  "  ProxyPreserveHost On",
  "  RequestHeader set X-Forwarded-Proto https",
  `  ProxyPass / ${target}/`,
  `  ProxyPassReverse / ${target}/`,
];

/** Whatever is changed after this is loaded by Apache, by this run or by the next one: it goes when Apache has loaded all. */
export const noteReload = (state: string): void => writeFileSync(noteIn(state), "");

const noteIn = (state: string): string => join(state, "reload");

/**
 * Puts the virtual hosts in place and has Apache load them, without dropping a connection; nothing where they are there
 * already and {@link noteReload} was not called. A configuration that Apache refuses does not stay.
 *
 * @param state Folder of the note, which outlives a run that is killed.
 * @param tell Runs Apache's control program.
 * @returns Whether Apache loaded anything.
 */
export function ensureVirtualHosts(sites: string, text: string, state: string, tell = control): boolean {
  const file = fileIn(sites);
  const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (before === text && !existsSync(noteIn(state))) return false;
  noteReload(state);
  placeFile(file, text, 0o644);
  try {
    tell("-t");
  } catch (error) {
    if (before === undefined) rmSync(file);
    else placeFile(file, before, 0o644);
    throw error;
  }
  tell("-k", "graceful");
  rmSync(noteIn(state), { force: true });
  return true;
}

/** @returns Whether there were any. */
export function removeVirtualHosts(sites: string): boolean {
  if (!existsSync(fileIn(sites))) return false;
  rmSync(fileIn(sites));
  control("-k", "graceful");
  return true;
}

/** What the distribution calls Apache's control program, as bootlace/apache's names.sh has it. */
function control(...argv: readonly string[]): void {
  const folders = ["/usr/sbin", "/usr/bin"];
  const program = ["apache2ctl", "apachectl", "httpd"].find((name) =>
    folders.some((dir) => existsSync(join(dir, name))),
  );
  if (program === undefined) throw new Error("Apache's control program is on none of the places it has");
  try {
    execFileSync(program, argv, { stdio: "pipe", encoding: "utf8" });
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(`${program} ${argv.join(" ")} failed: ${said || String(error)}`, { cause: error });
  }
}
