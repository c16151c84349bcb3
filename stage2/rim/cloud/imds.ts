import { readFileSync } from "node:fs";
import type { Credentials } from "../../aws/sign.ts";
import { send } from "./send.ts";

/** "Use the Instance Metadata Service", Amazon EC2 User Guide. */
const ENDPOINT = "http://169.254.169.254";
/** Milliseconds of one request; it is asked on EC2 alone, where it answers at once. */
const WITHIN = 2_000;

/** Whether this is EC2, by the firmware or by the variable that names an endpoint: as stage1/imds has it. */
export function isOnAmazon(): boolean {
  if (process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT) return true;
  const tells = { sys_vendor: /^Amazon EC2/, board_asset_tag: /^i-[0-9a-f]/, bios_version: /\.amazon$/ };
  return Object.entries(tells).some(([file, pattern]) => {
    try {
      return pattern.test(readFileSync(`/sys/class/dmi/id/${file}`, "utf8").trim());
    } catch {
      return false;
    }
  });
}

/** The instance metadata service, version 2 only. */
export class Imds {
  readonly #endpoint = (process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT || ENDPOINT).replace(/\/$/, "");
  #token: Promise<string> | undefined;

  /** Undefined where there is nothing of the kind. @throws {Error} when it does not answer. */
  async get(path: string): Promise<string | undefined> {
    // A failure is not kept: who asks again gets another try.
    this.#token ??= this.#newToken().catch((error: unknown) => {
      this.#token = undefined;
      throw error;
    });
    const came = await this.#ask("GET", `/latest/meta-data/${path}`, { "x-aws-ec2-metadata-token": await this.#token });
    if (came.status === 200) return came.body;
    if (came.status === 404) return undefined;
    throw new Error(`EC2's instance metadata service answered HTTP ${came.status} for ${path}`);
  }

  /** Those of the instance's role. @throws {Error} where it has none. */
  async credentials(): Promise<Credentials> {
    const folder = "iam/security-credentials/";
    const role = (await this.get(folder))?.split("\n")[0];
    const text = role && (await this.get(`${folder}${role}`));
    if (!text) throw new Error("the instance has no role: attach an instance profile");
    const { AccessKeyId, SecretAccessKey, Token, Code } = JSON.parse(text) as Record<string, string>;
    if (AccessKeyId && SecretAccessKey) {
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
    }
    throw new Error(`EC2's instance metadata service gave no credentials for the role ${role} (Code ${Code})`);
  }

  async #newToken(): Promise<string> {
    const life = { "x-aws-ec2-metadata-token-ttl-seconds": "21600" };
    const { status, body } = await this.#ask("PUT", "/latest/api/token", life);
    if (status === 200) return body;
    throw new Error(`EC2's instance metadata service gave no token (HTTP ${status})`);
  }

  /** Two tries, as stage1 has them. */
  async #ask(method: "GET" | "PUT", path: string, headers: Readonly<Record<string, string>>) {
    const sent = { url: `${this.#endpoint}${path}`, method, headers, within: WITHIN } as const;
    return send(sent).catch(() => send(sent));
  }
}
