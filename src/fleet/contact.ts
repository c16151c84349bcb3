import { BootlaceError } from "../../stage2/index.ts";
import { Link } from "../machine/run/link.ts";
import { readSecrets, type SecretValue } from "../machine/run/send-secrets.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { lookAt, type Seen } from "./look.ts";
import type { Payloads } from "./payloads.ts";
import { type PlannedAtDesk, planAtDesk, type Wish } from "./plan-at-desk.ts";
import type { Target } from "./targets.ts";

/** A machine that was reached and looked at, and what it would do. Nothing was changed there. */
export interface Contact {
  readonly target: Target;
  readonly link: Link;
  readonly seen: Seen;
  readonly loaded: LoadedProject;
  readonly planned: PlannedAtDesk;
  readonly secrets: readonly SecretValue[];
  /** A host on which Bootlace has never run. */
  readonly isFirst: boolean;
}

/**
 * Reaches a machine, reads what is there and plans. The link stays open when it succeeds.
 *
 * @param takeOver true: a machine of another project is taken as it is.
 * @throws {BootlaceError} `E_OTHER_PROJECT`, what connecting, planning and reading secrets throw.
 */
export async function makeContact(
  target: Target,
  payloads: Payloads,
  wish: Wish,
  takeOver: boolean,
  signal: AbortSignal,
): Promise<Contact> {
  const loaded = await payloads.project(target);
  const link = new Link(target.machine);
  try {
    const seen = await lookAt(await link.session(signal), signal);
    const { name } = loaded.project;
    if (seen.project !== undefined && seen.project !== name && !takeOver)
      throw new BootlaceError(
        "E_OTHER_PROJECT",
        `${target.name} belongs to the project ${seen.project}; this is ${name}`,
        {
          hint: "Name the right machine, or take it over with --take-over: what it has of the other project is left there and reported.",
        },
      );
    const planned = planAtDesk(seen, loaded.project, wish, target.services);
    const secrets = await readSecrets(loaded, planned.plan.closure);
    const isFirst = target.machine.provider === "host" && !seen.journal;
    return { target, link, seen, loaded, planned, secrets, isFirst };
  } catch (error) {
    await link.close();
    throw error;
  }
}
