import { existsSync, readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { rootCertificates } from "node:tls";

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const TIMEOUT_MS = 20_000;
const MOST_BYTES = 1 << 20;

/** Where distributions keep the authorities that the machine trusts: Debian and Alpine, Fedora and Amazon Linux. */
const BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/**
 * One request over TLS, without redirects. Trusted is whom the machine trusts, as for curl, and not only Node's own list:
 * who runs the machine decides.
 *
 * @throws {Error} Without an answer in 20 s, and for bodies over 1 MiB.
 */
export function httpsRequest(
  url: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const asked = request(url, { method, headers, ca: authorities(), signal }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > MOST_BYTES) asked.destroy(new Error(`${url} answered with more than ${MOST_BYTES} bytes`));
      });
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts).toString() }),
      );
    });
    asked.on("error", (error) => reject(new Error(`${url} could not be asked: ${error.message}`, { cause: error })));
    asked.end(body);
  });
}

let known: string[] | undefined;

function authorities(): string[] {
  known ??= [...rootCertificates, ...BUNDLES.filter(existsSync).map((file) => readFileSync(file, "utf8"))];
  return known;
}
