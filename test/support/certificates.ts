import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Certified {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** File with the certificate of who signed it, as curl takes it in CURL_CA_BUNDLE. */
  readonly authority: string;
}

/** Makes an authority of its own in `folder` and a certificate by it for `name` (a host name). */
export function certify(folder: string, name: string): Certified {
  const openssl = (...argv: readonly string[]): void =>
    void execFileSync("openssl", argv, { cwd: folder, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=A test");
  const made = ["-keyout", `${name}.key`, "-out", `${name}.pem`, "-days", "2", "-subj", `/CN=${name}`];
  const use = ["-addext", `subjectAltName=DNS:${name}`, "-addext", "basicConstraints=critical,CA:FALSE"];
  openssl("req", "-x509", ...newKey, "-CA", "ca.pem", "-CAkey", "ca.key", ...made, ...use);
  const read = (file: string): Buffer => readFileSync(join(folder, file));
  return { key: read(`${name}.key`), cert: read(`${name}.pem`), authority: join(folder, "ca.pem") };
}
