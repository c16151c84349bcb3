import { execFileSync } from "node:child_process";

/** Runs openssl in a folder; a key is a file's name for it, never an argument. */
export function openssl(cwd: string, ...argv: readonly string[]): void {
  try {
    execFileSync("openssl", argv, { cwd, stdio: "pipe", encoding: "utf8" });
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(`openssl ${argv[0]} failed: ${said || String(error)}`, { cause: error });
  }
}

/** A new key for the certificate and a request for it, as `key.pem.new` and `request.pem`: PKCS #10, RFC 2986. */
export function makeRequest(folder: string, names: readonly string[]): void {
  openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem.new");
  const san = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
  // Without a common name: it may have 64 characters, and names are read from the SAN alone (RFC 9525).
  openssl(
    folder,
    "req",
    "-new",
    "-key",
    "key.pem.new",
    "-subj",
    "/O=Bootlace test",
    "-addext",
    san,
    "-out",
    "request.pem",
  );
}
