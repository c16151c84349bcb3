import { setTimeout as sleep } from "node:timers/promises";
import { type Credentials, signedHeaders } from "../../aws/sign.ts";
import { send } from "./send.ts";

/** A refusal of AWS's, by its code. */
export class AwsRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

interface Service {
  /** In its address. */
  readonly host: string;
  /** Ending of the variable that names another endpoint ("Service-specific endpoints", AWS SDKs and Tools Reference Guide). */
  readonly variable: string;
}

const SERVICES = {
  autoscaling: { host: "autoscaling", variable: "AUTO_SCALING" },
  ec2: { host: "ec2", variable: "EC2" },
  logs: { host: "logs", variable: "CLOUDWATCH_LOGS" },
} as const satisfies Record<string, Service>;

type ServiceName = keyof typeof SERVICES;

/** Milliseconds of one try, tries, and milliseconds before the second one, which double. */
const WITHIN = 10_000;
const TRIES = 4;
const PAUSE = 500;
const AGAIN =
  /^(Throttling\w*|RequestLimitExceeded|TooManyRequestsException|ServiceUnavailable\w*|InternalFailure|InternalError)$/;
/** A clock that is wrong is no reason to fail: the answer tells the right one. */
const CLOCK = /^(RequestTimeTooSkewed|RequestExpired|SignatureDoesNotMatch|InvalidSignatureException|AuthFailure)$/;

export interface AwsPlace {
  readonly region: string;
  /** `amazonaws.com`. */
  readonly domain: string;
  /** Asked again when AWS says that they are over. */
  readonly credentials: () => Promise<Credentials>;
}

/** The few calls that a machine makes to AWS, signed with its role. */
export class AwsApi {
  readonly #place: AwsPlace;
  #credentials: Promise<Credentials> | undefined;
  #ahead = 0;

  constructor(place: AwsPlace) {
    this.#place = place;
  }

  /** Of the Query protocol. @param parameters with `Action` and `Version`. @throws {AwsRefusal} */
  async query(service: "autoscaling" | "ec2", parameters: Readonly<Record<string, string>>): Promise<void> {
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    await this.#call(service, headers, new URLSearchParams(parameters).toString());
  }

  /** Of the JSON protocol. @param target `Logs_20140328.PutLogEvents`. @throws {AwsRefusal} */
  async json(service: "logs", target: string, body: object): Promise<void> {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
    await this.#call(service, headers, JSON.stringify(body));
  }

  async #call(service: ServiceName, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
    for (let round = 1; ; round += 1) {
      try {
        return await this.#try(service, headers, body);
      } catch (error) {
        const isFinal = error instanceof AwsRefusal && !AGAIN.test(error.code) && !CLOCK.test(error.code);
        if (isFinal && !/^Expired/.test(error.code)) throw error;
        if (round === TRIES) throw error;
        if (isFinal) this.#credentials = undefined;
      }
      await sleep(PAUSE * 2 ** (round - 1));
    }
  }

  async #try(service: ServiceName, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
    const { region, domain, credentials } = this.#place;
    const { host, variable } = SERVICES[service];
    const { AWS_ENDPOINT_URL: any, [`AWS_ENDPOINT_URL_${variable}`]: own } = process.env;
    const url = new URL(own || any || `https://${host}.${region}.${domain}`);
    // A failure is not kept: a role may be there seconds after its instance.
    this.#credentials ??= credentials().catch((error: unknown) => {
      this.#credentials = undefined;
      throw error;
    });
    const keys = await this.#credentials;
    const now = Date.now() + this.#ahead;
    const signed = signedHeaders({ host: url.host, region, service, headers, body, now }, keys);
    const came = await send({ url: url.origin, method: "POST", headers: signed, body, within: WITHIN });
    if (came.status === 200) return;
    const refusal = refusalOf(came.status, came.body);
    if (CLOCK.test(refusal.code) && !Number.isNaN(came.date)) this.#ahead = came.date - Date.now();
    throw refusal;
  }
}

/** XML of the Query protocol, or JSON. */
function refusalOf(status: number, body: string): AwsRefusal {
  const xml = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1];
  const json = (name: string) => new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"`, "i").exec(body)?.[1];
  const code =
    xml("Code") ?? json("__type")?.split("#").at(-1) ?? (status >= 500 ? "InternalFailure" : `HTTP${status}`);
  return new AwsRefusal(code, (xml("Message") ?? json("message") ?? "AWS gives no reason").slice(0, 500));
}
