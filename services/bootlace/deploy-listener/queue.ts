import { readState, writeState } from "../../lib/state-file.ts";
import type { Deployment } from "./deployment.ts";

interface Kept {
  /** Deployments that no run has begun for. */
  readonly waiting: readonly Deployment[];
  /** Ids of messages that were taken, with their times, milliseconds since 1970. */
  readonly seen: readonly (readonly [string, number])[];
}

/** Longer than a message is believed: after this its age refuses it. */
const KEEP_MS = 60 * 60_000;

/** Deployments that wait, and messages that were here: in a file, so that a listener that is started anew goes on. */
export class DeploymentQueue {
  private readonly file: string;
  private kept: Kept;

  constructor(file: string) {
    this.file = file;
    this.kept = readState<Kept>(file) ?? { waiting: [], seen: [] };
  }

  get empty(): boolean {
    return this.kept.waiting.length === 0;
  }

  /** False for a message that was taken before. It is on the disk when this returns. */
  add(id: string, deployment: Deployment, now: number): boolean {
    const seen = this.kept.seen.filter(([, at]) => now - at < KEEP_MS);
    if (seen.some(([one]) => one === id)) return false;
    this.kept = { waiting: [...this.kept.waiting, deployment], seen: [...seen, [id, now]] };
    writeState(this.file, this.kept);
    return true;
  }

  /** All that wait: one run serves them together. */
  take(): readonly Deployment[] {
    const { waiting } = this.kept;
    this.kept = { ...this.kept, waiting: [] };
    writeState(this.file, this.kept);
    return waiting;
  }
}

/** What one run for several deployments is asked for: everything, where one of them names nothing. */
export function servicesOf(deployments: readonly Deployment[]): readonly string[] {
  if (deployments.some(({ services }) => services.length === 0)) return [];
  return [...new Set(deployments.flatMap(({ services }) => services))].sort();
}
