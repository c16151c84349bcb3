import { readFile } from "node:fs/promises";
import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { abortError } from "../../session/abort.ts";
import type { Session } from "../../session/session.ts";
import { consoleEnd } from "../console.ts";
import type { Ec2Pace } from "./ec2-machine.ts";
import type { Ec2Files, Ec2Spec } from "./ec2-spec.ts";
import { fetchConsole, printedKeys } from "./instance-console.ts";
import { pause } from "./wait.ts";

export interface Contact {
  readonly api: EC2;
  readonly id: string;
  readonly spec: Ec2Spec;
  readonly files: Ec2Files;
  readonly pace: Ec2Pace;
  /** Known from before; empty at the first contact. */
  readonly hostKeys: readonly string[];
  /** One try. */
  readonly enter: (
    keys: readonly string[] | "accept",
  ) => Promise<{ readonly session: Session; readonly hostKey: string }>;
  readonly learn: (hostKeys: readonly string[]) => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Waits until an instance lets the desk in. Whom the desk expects: the key that it planted, or those that the instance
 * printed on its console. Only `hostKeys: accept` believes what the connection shows, once.
 *
 * @throws {BootlaceError} `E_EC2_BOOT` with the console's end when time is up; `E_EC2_HOST_KEY`; `E_SESSION_HOST_KEY`.
 */
export async function firstContact(contact: Contact): Promise<Session> {
  const { api, id, spec, files, pace, signal, learn } = contact;
  const way = spec.config.hostKeys ?? "console";
  const end = performance.now() + pace.bootWithin;
  let keys = contact.hostKeys.length > 0 ? contact.hostKeys : await expected(contact);
  for (;;) {
    try {
      const { session, hostKey } = await contact.enter(keys);
      await learn(keys === "accept" ? [hostKey] : keys);
      return session;
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      if (isStranger(error)) {
        // A sealed machine makes new host keys when it starts again, and prints them.
        const printed =
          way === "console"
            ? await printedKeys(api, id, files, { every: pace.every, within: 0, signal }).catch(() => [])
            : [];
        if (printed.every((key) => keys.includes(key))) throw error;
        keys = printed;
        continue;
      }
      if (!isPassing(error)) throw error;
      if (performance.now() > end) throw await tooLate(contact, error);
      await pause(Math.min(pace.every, 2_000), signal);
    }
  }
}

async function expected({ api, id, spec, files, pace, signal }: Contact): Promise<readonly string[] | "accept"> {
  const way = spec.config.hostKeys ?? "console";
  if (way === "accept") return "accept";
  if (way === "planted") return [await readFile(`${files.hostKey}.pub`, "utf8")];
  return printedKeys(api, id, files, { every: pace.every, within: pace.keysWithin, signal });
}

const isStranger = (error: unknown): boolean => error instanceof BootlaceError && error.code === "E_SESSION_HOST_KEY";

/** sshd is not up yet, or cloud-init has not given the user the key, or sudo, yet. */
const isPassing = (error: unknown): boolean =>
  error instanceof BootlaceError && /^E_SESSION_(CONNECT|SUDO|LOST)$/.test(error.code);

async function tooLate({ api, id, files, pace }: Contact, cause: unknown): Promise<BootlaceError> {
  const end = consoleEnd(await fetchConsole(api, id, files).catch(() => ""));
  const why = cause instanceof Error ? `; ${cause.message}` : "";
  return new BootlaceError(
    "E_EC2_BOOT",
    `${id} let nobody in within ${Math.round(pace.bootWithin / 1000)} s${why}${end ? `\nThe end of its console:\n${end}` : ""}`,
    {
      cause,
      hint: "Look at `login`, at the subnet's routes and network ACL, and at `address` and `openTo` under `ec2:`.",
    },
  );
}
