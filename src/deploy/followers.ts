import { setTimeout as sleep } from "node:timers/promises";
import { BootlaceError, type Event } from "../../stage2/index.ts";
import { lookUp } from "../machine/find-machine.ts";
import type { Machine } from "../machine/machine.ts";
import { machineNames } from "../machine/machine-folder.ts";
import { Link } from "../machine/run/link.ts";
import { runChecked } from "../session/run-checked.ts";

/** Between two looks at a machine, milliseconds: short at first, then bounded. */
const FIRST_LOOK_MS = 250;
const LONGEST_MS = 5000;

/** What a machine follows and what came up on it well, in one look; docs/stage1.md names the files. */
const LOOK =
  "for f in /etc/bootlace/boot.conf /var/lib/bootlace/tags /var/lib/bootlace/good; do [ ! -f $f ] || cat $f; echo ---; done";

export interface Following {
  readonly dir: string;
  readonly project: string;
  readonly channel: string;
}

/** The running machines of this project that follow a channel. */
export async function followersOf(following: Following, signal?: AbortSignal): Promise<readonly Machine[]> {
  const machines = await Promise.all((await machineNames(following.dir)).map((name) => lookUp(following.dir, name)));
  const follows = await Promise.all(
    machines.map(async (machine) => {
      if (!machine || (await machine.status()) !== "running") return [];
      const { channel, project, store } = await look(machine, signal);
      return store !== "none" && project === following.project && channel === following.channel ? [machine] : [];
    }),
  );
  return follows.flat();
}

/**
 * Waits until each machine has the bundle as good: it booted with it, and the run got to its end. Machines fetch when they
 * boot; nothing here makes them.
 *
 * @param timeout Milliseconds.
 * @throws {BootlaceError} `E_WAIT`, naming the machines that have it not.
 */
export async function waitForFollowers(
  machines: readonly Machine[],
  bundle: string,
  timeout: number,
  report: (event: Event) => void,
  signal: AbortSignal,
): Promise<void> {
  const over = AbortSignal.timeout(timeout);
  const either = AbortSignal.any([over, signal]);
  const late = (await Promise.all(machines.map((machine) => waitFor(machine, bundle, report, either)))).flat();
  signal.throwIfAborted();
  if (late.length === 0) return;
  throw new BootlaceError(
    "E_WAIT",
    `The channel moved, but after ${Math.round(timeout / 1000)} s not on bundle ${bundle.slice(0, 12)}: ${late.join(", ")}`,
    {
      hint: `A machine fetches when it boots: bootlace reboot ${late[0]?.split(" ")[0]}, or wait longer with --timeout.`,
    },
  );
}

/** Answers what is to be told of a machine that did not get there. */
async function waitFor(
  machine: Machine,
  bundle: string,
  report: (event: Event) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const of = `machine ${machine.name}`;
  const step = `have bundle ${bundle.slice(0, 12)} as good`;
  const begun = Date.now();
  report({ t: begun, k: "desk-start", step, of });
  let seen = "nothing yet";
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 2, LONGEST_MS)) {
    try {
      const { good } = await look(machine, signal);
      seen = good === undefined ? "nothing yet" : `bundle ${good.slice(0, 12)}`;
      if (good === bundle) break;
    } catch (error) {
      // It reboots, or its connection broke: it is looked at again.
      if (!(error instanceof BootlaceError)) {
        if (!signal.aborted) throw error;
      } else seen = error.message;
    }
    await sleep(pause, undefined, { signal }).catch(() => {});
    if (signal.aborted) {
      report({ t: Date.now(), k: "desk-fail", step, of, ms: Date.now() - begun, message: `it has ${seen}` });
      return [`${machine.name} (has ${seen})`];
    }
  }
  report({ t: Date.now(), k: "desk-done", step, of, ms: Date.now() - begun });
  return [];
}

async function look(machine: Machine, signal?: AbortSignal) {
  const link = new Link(machine);
  try {
    const text = await runChecked(
      await link.session(signal),
      ["sh", "-c", LOOK, "bootlace-look"],
      signal ? { signal } : {},
    );
    const [conf, tags, good] = text.split("---\n").map(valuesIn);
    return {
      store: conf?.get("store"),
      project: conf?.get("project"),
      channel: tags?.get("channel") ?? conf?.get("channel"),
      good: good?.get("bundle"),
    };
  } finally {
    await link.close();
  }
}

function valuesIn(text: string): ReadonlyMap<string, string> {
  const pairs = [...text.matchAll(/^([a-z-]+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value] as const);
  return new Map(pairs);
}
