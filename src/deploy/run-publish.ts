import { createReporter, shownBytes } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { signPointer } from "../trust/sign-pointer.ts";
import type { Trust } from "../trust/trust.ts";
import type { Pointer } from "./pointer.ts";
import { type PublishPlan, publish, uploadRows } from "./publish.ts";
import { shownTime } from "./shown-time.ts";

/** What `--json` prints of a publication, and what a person reads line by line. */
export interface PublishResult {
  readonly store: string;
  readonly channel: string;
  readonly serial: number;
  readonly bundle: string;
  readonly move: PublishPlan["move"];
  readonly moves: boolean;
  readonly planned: boolean;
  readonly blobs: ReturnType<typeof uploadRows>;
  /** What does not hinder, but somebody should look at. */
  readonly warnings: readonly string[];
}

/** Shows a plan, or does it and shows how it goes; the same for `deploy` and `rollback`. */
export async function runPublish(
  plan: PublishPlan,
  trust: Trust,
  planned: boolean,
  { json, stdout, signal }: Pick<CommandContext, "json" | "stdout" | "signal">,
): Promise<PublishResult> {
  const { store, channel } = plan.place;
  const say = (line: string): void => void (json || stdout.write(`${line}\n`));
  const rows = uploadRows(plan);
  say(`${channel} of ${plan.next.project} in ${store.url}`);
  if (plan.current?.refusal) say(`  over a pointer that is not believed: ${plan.current.refusal.message}`);
  for (const warning of plan.warnings) say(`  warning: ${warning}`);
  if (planned) {
    for (const { key, bytes, there } of rows) say(`  ${there ? "there" : "send "}  ${key}  ${shownBytes(bytes)}`);
  } else {
    // A key that is not at hand is told before anything is sent.
    const signers = await trust.signers();
    const reporter = json ? undefined : createReporter({ stream: stdout });
    try {
      await publish(plan, {
        sign: (pointer) => signPointer(pointer, signers),
        ...(reporter ? { report: reporter } : {}),
        signal,
      });
    } finally {
      reporter?.close();
    }
  }
  const stands: Pointer = plan.move === "none" ? (plan.current?.pointer ?? plan.next) : plan.next;
  say(`  ${sentence(plan, stands, planned)}`);
  const { serial, bundle } = stands;
  const { move, warnings } = plan;
  const moves = move !== "none";
  return { store: store.url, channel, serial, bundle: bundle.digest, move, moves, planned, blobs: rows, warnings };
}

/** A day, with its time where the end is less than two days away. */
function untilText(end: number, now: number): string {
  const text = shownTime(end / 1000);
  return end - now < 2 * 86_400_000 ? `${text} UTC` : text.replace(/ .*/, "");
}

function sentence({ move }: PublishPlan, { serial, bundle, expires = 0 }: Pointer, planned: boolean): string {
  const digest = bundle.digest.slice(0, 12);
  const until = `good until ${untilText(expires * 1000, Date.now())}`;
  if (move === "none") return `points to bundle ${digest} already, serial ${serial}, ${until}`;
  const did = { moved: "moved", renewed: "renewed", replaced: "replaced" }[move];
  const would = { moved: "would move", renewed: "would renew", replaced: "would replace" }[move];
  const what =
    move === "renewed" ? "the pointer to bundle" : move === "replaced" ? "what stood there by bundle" : "to bundle";
  return `${planned ? would : did} ${what} ${digest}, serial ${serial}, ${until}`;
}
