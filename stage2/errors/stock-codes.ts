import { type CodeRow, row } from "./code-row.ts";
import { EXIT } from "./exit.ts";

/** What goes with the stock services: the project's CA, topics that machines listen to, other tools' formats. */
export const STOCK_CODES = {
  E_CERT: row(
    EXIT.usage,
    "A certificate authority could not be made or renewed.",
    "Do what the message says; openssl 1.1.1 or newer must be on this desk.",
  ),
  E_NOTIFY: row(
    EXIT.store,
    "Machines could not be told of a deployment, or their results could not be read.",
    "The channel has moved all the same: machines get it at their next boot. Mend what the message names and deploy again.",
  ),
  E_NOTIFY_FAILED: row(
    EXIT.serviceFailed,
    "Machines that were told of a deployment failed, or did not answer in time.",
    "Look at the machines that are named: `bootlace status`, `bootlace logs`.",
  ),
  E_EXPORT: row(
    EXIT.usage,
    "What is to be exported cannot stand in the other tool's format.",
    "Do what the message says, or start from the whole way: `bootlace build`.",
  ),
} as const satisfies Record<string, CodeRow>;
