import type { KeyObject } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type HttpsAnswer, httpsRequest } from "../../../lib/https-request.ts";
import { jwkOf, signedBody } from "./jws.ts";

interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
}

export interface AcmeAnswer<T> {
  readonly body: T;
  readonly location: string;
}

/** How often a request is sent anew that the server refused for its nonce or its own troubles. */
const TRIES = 6;
const LONGEST_WAIT_S = 60;
/** A CA may take this long to look at a challenge or to issue. */
const PATIENCE_MS = 5 * 60_000;

/** Requests to one ACME server by one account: RFC 8555, section 6. Nonces, refusals and waiting are its business. */
export class AcmeSession {
  readonly key: KeyObject;
  private readonly directory: Directory;
  private account = "";
  private nonce: string | undefined;

  private constructor(key: KeyObject, directory: Directory) {
    this.key = key;
    this.directory = directory;
  }

  /** Opens the account of a key, made where there is none: section 7.3. By using it, the CA's terms are agreed to. */
  static async open(url: string, key: KeyObject, email: string | undefined): Promise<AcmeSession> {
    const answer = await httpsRequest(url);
    if (answer.status !== 200) throw new Error(`The ACME directory ${url} answered with ${answer.status}`);
    const session = new AcmeSession(key, JSON.parse(answer.body));
    const contact = email === undefined ? {} : { contact: [`mailto:${email}`] };
    const { location } = await session.post(session.directory.newAccount, { termsOfServiceAgreed: true, ...contact });
    session.account = location;
    return session;
  }

  newOrder<T>(payload: unknown): Promise<AcmeAnswer<T>> {
    return this.post(this.directory.newOrder, payload);
  }

  /** @param payload Undefined: reads what is there. */
  async post<T>(url: string, payload?: unknown): Promise<AcmeAnswer<T>> {
    const answer = await this.send(url, payload);
    const json = /json/.test(String(answer.headers["content-type"]));
    return {
      body: json ? JSON.parse(answer.body) : (answer.body as T),
      location: String(answer.headers.location ?? ""),
    };
  }

  /** Reads an object until its state is none of those that pass. @throws {Error} After five minutes. */
  async settled<T extends { readonly status: string }>(url: string, passing: readonly string[]): Promise<T> {
    const until = Date.now() + PATIENCE_MS;
    for (let pause = 250; ; pause = Math.min(pause * 2, 5_000)) {
      const { body } = await this.post<T>(url);
      if (!passing.includes(body.status)) return body;
      if (Date.now() > until) throw new Error(`The CA has ${url} still as "${body.status}" after 5 minutes`);
      await sleep(pause);
    }
  }

  private async send(url: string, payload: unknown): Promise<HttpsAnswer> {
    for (let tries = 1; ; tries += 1) {
      const nonce = this.nonce ?? (await this.freshNonce());
      this.nonce = undefined;
      const who = this.account === "" ? { jwk: jwkOf(this.key) } : { kid: this.account };
      const body = signedBody(this.key, { ...who, nonce, url }, payload);
      const answer = await httpsRequest(url, {
        method: "POST",
        headers: { "content-type": "application/jose+json" },
        body,
      });
      const next = answer.headers["replay-nonce"];
      if (typeof next === "string") this.nonce = next;
      if (answer.status < 300) return answer;
      const { type = "", detail = answer.body.slice(0, 500) } = problemOf(answer);
      const again = type.endsWith(":badNonce") || answer.status === 429 || answer.status >= 500;
      if (!again || tries === TRIES) throw new Error(`The CA refused ${url}: ${detail} (${type || answer.status})`);
      if (!type.endsWith(":badNonce")) await sleep(1000 * waitOf(answer, tries));
    }
  }

  private async freshNonce(): Promise<string> {
    const { headers } = await httpsRequest(this.directory.newNonce, { method: "HEAD" });
    return String(headers["replay-nonce"] ?? "");
  }
}

/** RFC 7807. */
function problemOf({ body }: HttpsAnswer): { readonly type?: string; readonly detail?: string } {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

/** Seconds; what the server asks for, within bounds. */
function waitOf({ headers }: HttpsAnswer, tries: number): number {
  const asked = Number(headers["retry-after"]);
  return asked > 0 ? Math.min(asked, LONGEST_WAIT_S) : Math.min(2 ** tries, LONGEST_WAIT_S);
}
