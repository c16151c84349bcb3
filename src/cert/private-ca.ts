import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BootlaceError } from "../../stage2/index.ts";
import { runLocalChecked } from "../machine/run-local.ts";
import { writeDurably } from "../store/write-blob.ts";
import { keysFolder, readPrivateKey } from "../trust/private-keys.ts";
import { caConfig } from "./ca-config.ts";

/** Days. The root is what clients have; an issuer's key is on machines, so it lives as long as a quarter and some slack. */
const ROOT_DAYS = 3650;
const ISSUER_DAYS = 100;

export interface PrivateCa {
  /** Root certificate in the project: what clients trust. */
  readonly root: string;
  /** The root's key, at the desk alone. */
  readonly rootKey: string;
  /** Key and certificate of the issuer in one file: the secret of bootlace/test. */
  readonly issuer: string;
  /** Names below this can be certified. */
  readonly zone: string;
  /** When the issuer's time is over. */
  readonly until: Date;
}

const rootFile = (dir: string): string => join(dir, "certs", "ca.pem");
const keyName = (project: string): string => `${project}-ca`;

/**
 * Makes a root for names below one zone, and the first issuer.
 *
 * @param dir Folder of the project.
 * @throws {BootlaceError} `E_EXISTS`, `E_CERT`.
 */
export async function newCa(dir: string, project: string, zone: string): Promise<PrivateCa> {
  if (!/^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/.test(zone))
    throw new BootlaceError("E_CERT", `Expected a zone such as test.example.com, "${zone}" came`);
  const key = join(keysFolder(), `${keyName(project)}.pem`);
  for (const file of [rootFile(dir), key]) {
    if (!existsSync(file)) continue;
    throw new BootlaceError("E_EXISTS", `There is a CA already: ${file}`, {
      hint: "bootlace cert renew makes another issuer by it; to begin anew, move both files away.",
    });
  }
  await inWorkFolder(async (work, openssl) => {
    await writeFile(join(work, "root.cnf"), caConfig({ zone, name: `${project} test root`, pathLength: 1 }));
    await openssl(...newKey("root.key"));
    await openssl(
      "req",
      "-x509",
      "-config",
      "root.cnf",
      "-key",
      "root.key",
      "-days",
      `${ROOT_DAYS}`,
      "-out",
      "root.pem",
    );
    await mkdir(keysFolder(), { recursive: true, mode: 0o700 });
    // The key first: a root whose key nobody has would be in the way.
    await writeDurably(key, await readFile(join(work, "root.key")), 0o600);
    await writeDurably(rootFile(dir), await readFile(join(work, "root.pem")));
  });
  return renewIssuer(dir, project);
}

/**
 * Makes another issuer by the root that the project has.
 *
 * @throws {BootlaceError} `E_CERT` without a root, `E_KEY_MISSING` where its key is on another desk.
 */
export async function renewIssuer(dir: string, project: string): Promise<PrivateCa> {
  const root = await readFile(rootFile(dir), "utf8").catch(() => undefined);
  if (root === undefined)
    throw new BootlaceError("E_CERT", `The project has no CA: no ${rootFile(dir)}`, {
      hint: "Make one: bootlace cert new ZONE.",
    });
  const rootKey = join(keysFolder(), `${keyName(project)}.pem`);
  const key = await readPrivateKey(keyName(project));
  if (key === undefined)
    throw new BootlaceError("E_KEY_MISSING", `The CA's private key is not on this desk: no ${rootKey}`, {
      hint: "Renew on the desk that made the CA, or point BOOTLACE_KEYS at the folder that has its key.",
    });
  const zone = /^OU ?= ?(.+)$/m.exec(new X509Certificate(root).subject)?.[1] ?? "";
  const issuer = join(keysFolder(), `${project}-issuer.pem`);
  const until = await inWorkFolder(async (work, openssl) => {
    await writeFile(join(work, "root.pem"), root);
    await writeFile(join(work, "root.key"), key, { mode: 0o600 });
    await writeFile(join(work, "issuer.cnf"), caConfig({ zone, name: `${project} test issuer`, pathLength: 0 }));
    await openssl(...newKey("issuer.key"));
    await openssl("req", "-new", "-config", "issuer.cnf", "-key", "issuer.key", "-out", "issuer.csr");
    const by = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", `${ISSUER_DAYS}`];
    const what = ["-extfile", "issuer.cnf", "-extensions", "extensions", "-out", "issuer.pem"];
    await openssl("x509", "-req", "-in", "issuer.csr", ...by, ...what);
    const [pem, secret] = await Promise.all(
      ["issuer.pem", "issuer.key"].map((name) => readFile(join(work, name), "utf8")),
    );
    await writeDurably(issuer, Buffer.from(`${secret}${pem}`), 0o600);
    return new Date(new X509Certificate(pem ?? "").validTo);
  });
  return { root: rootFile(dir), rootKey, issuer, zone, until };
}

const newKey = (file: string): string[] => [
  ...["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  ...["-out", file],
];

/** Keys are made in a folder that only this user reads, and that goes in any case. */
async function inWorkFolder<T>(
  work: (folder: string, openssl: (...argv: readonly string[]) => Promise<string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bootlace-ca-"));
  try {
    return await work(folder, (...argv) => runLocalChecked(["openssl", ...argv], "E_CERT", folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
