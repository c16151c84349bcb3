import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { Changed, FetchFailure, type Open } from "./fetching.ts";

const REDIRECTS = 5;
/** Milliseconds without a byte after which a connection counts as dead. */
const IDLE = 30_000;

/**
 * Opens an https address. Redirects are followed to https only. Nothing is decoded on the way: the digest is that of the
 * file as it stands there.
 */
export function httpsSource(address: string): Open {
  return async (from, version, signal) => {
    let at = new URL(address);
    for (let hops = 0; hops <= REDIRECTS; hops++) {
      const answer = await ask(at, from, version, signal);
      const { statusCode: status = 0, headers } = answer;
      if (status === 200 || status === 206) return opened(answer, from);
      answer.destroy();
      if ([301, 302, 303, 307, 308].includes(status) && headers.location !== undefined) {
        at = next(at, headers.location);
        continue;
      }
      // Nothing after what is here already: it has become shorter, or was whole.
      if (status === 416) throw new Changed();
      throw refused(at, status);
    }
    throw new FetchFailure(`it redirects more than ${REDIRECTS} times`, { again: false });
  };
}

function ask(at: URL, from: number, version: string | undefined, signal?: AbortSignal): Promise<IncomingMessage> {
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "bootlace" };
  if (from > 0) headers.range = `bytes=${from}-`;
  if (from > 0 && version !== undefined) headers["if-range"] = version;
  return new Promise((resolve, reject) => {
    const asked = request(at, { headers, ...(signal ? { signal } : {}) }, resolve);
    asked.setTimeout(IDLE, () => asked.destroy(new Error(`nothing came for ${IDLE / 1000} s`)));
    asked.on("error", (cause) => reject(unreachable(at, cause)));
    asked.end();
  });
}

function unreachable({ host }: URL, cause: NodeJS.ErrnoException): FetchFailure {
  // Names of OpenSSL's verification results, as Node gives them: asking again changes nothing about a certificate.
  const isTrust = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|ERR_TLS_CERT_)/.test(cause.code ?? "");
  const hint = "Is it the right host? For an authority of your own set NODE_EXTRA_CA_CERTS to its certificate.";
  const more = isTrust ? { again: false, hint } : { again: true };
  return new FetchFailure(`${host}: ${cause.message}`, { ...more, cause });
}

function opened(answer: IncomingMessage, wanted: number) {
  const { headers, statusCode } = answer;
  const length = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
  const version = headers.etag?.startsWith('"') ? headers.etag : undefined;
  if (statusCode !== 206) return { body: answer, from: 0, bytes: length, version };
  const [, start, all] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers["content-range"] ?? "") ?? [];
  if (Number(start) !== wanted) {
    answer.destroy();
    throw new FetchFailure("it answered with another range than was asked for", { again: true });
  }
  return { body: answer, from: wanted, bytes: all === "*" ? undefined : Number(all), version };
}

function next(at: URL, location: string): URL {
  if (!URL.canParse(location, at.href)) throw new FetchFailure("it redirects to no address", { again: false });
  const to = new URL(location, at.href);
  if (to.protocol === "https:") return to;
  throw new FetchFailure(`it redirects to ${to.protocol}//${to.host}, expected https`, { again: false });
}

function refused({ host }: URL, status: number): FetchFailure {
  const again = [408, 425, 429].includes(status) || status >= 500;
  const hint =
    status === 404 || status === 410
      ? "Look at the address; where `from` has {arch}, `sha256` as a mapping says which architectures there are."
      : status === 401 || status === 403
        ? "Artifacts over https are fetched without a login: publish it, or use s3:// or git."
        : undefined;
  return new FetchFailure(`${host} answered HTTP ${status}`, { again, ...(hint === undefined ? {} : { hint }) });
}
