import type { Plan, Step, StepId } from "../types/plan.ts";

export type Ended = "done" | "failed" | "blocked";

export interface ScheduleOptions {
  /** How many steps may run at once. */
  readonly jobs: number;
  /** True for services whose failure does not block others (`onFailure: ignore`). */
  readonly ignores: (service: string) => boolean;
  /** Names that no two running steps may share. */
  readonly locksOf: (step: Step) => readonly string[];
}

interface Entry {
  readonly step: Step;
  readonly index: number;
  /** Edges from this step to those that wait for it. */
  readonly dependents: { readonly entry: Entry; readonly hard: boolean }[];
  waitsFor: number;
  state: "waiting" | "ready" | "running" | Ended;
  blockedBy?: StepId;
}

/**
 * Which steps may start, as others end. A step is
 *
 *   waiting → ready → running → done | failed
 *         ↘ blocked (a step that it needs failed or is blocked, and does not say `ignore`)
 *
 * It is ready when all that it needs or stands after has ended and its stage has come: a stage begins when the one
 * before it has ended whole. Pure bookkeeping: it starts nothing.
 */
export class Schedule {
  private readonly entries = new Map<StepId, Entry>();
  private readonly options: ScheduleOptions;
  private readonly left = [0, 0];
  private readonly ready: Entry[] = [];
  private readonly parked: Entry[] = [];
  private readonly held = new Set<string>();
  private stage = 0;
  private running = 0;

  constructor(plan: Plan, options: ScheduleOptions) {
    this.options = options;
    plan.steps.forEach((step, index) => {
      this.entries.set(step.id, { step, index, dependents: [], waitsFor: 0, state: "waiting" });
      this.left[step.stage] = (this.left[step.stage] ?? 0) + 1;
    });
    for (const entry of this.entries.values()) {
      for (const id of new Set([...entry.step.needs, ...entry.step.after])) {
        const other = this.entries.get(id);
        if (other === undefined) continue;
        entry.waitsFor++;
        other.dependents.push({ entry, hard: entry.step.needs.includes(id) });
      }
    }
    for (const entry of this.entries.values()) if (entry.waitsFor === 0) this.park(entry);
    this.openStage();
  }

  /** True when nothing is left to start and nothing runs. */
  get finished(): boolean {
    return this.running === 0 && (this.left[0] ?? 0) + (this.left[1] ?? 0) === 0;
  }

  /** Takes the steps that may start now, in plan order; they count as running from here on. */
  take(): Step[] {
    const taken: Step[] = [];
    for (let at = 0; at < this.ready.length && this.running < this.options.jobs; ) {
      const entry = this.ready[at];
      if (entry === undefined) break;
      const locks = this.options.locksOf(entry.step);
      if (locks.some((lock) => this.held.has(lock))) {
        at++;
        continue;
      }
      for (const lock of locks) this.held.add(lock);
      this.ready.splice(at, 1);
      entry.state = "running";
      this.running++;
      taken.push(entry.step);
    }
    return taken;
  }

  /** Steps that wait for this running one alone: they come next, if it ends well. */
  soon(id: StepId): Step[] {
    const dependents = this.entries.get(id)?.dependents ?? [];
    return dependents.filter(({ entry }) => entry.waitsFor === 1).map(({ entry }) => entry.step);
  }

  /**
   * Records how a running step ended.
   *
   * @returns the steps that can never run now, each with the one that blocks it, in plan order.
   */
  end(id: StepId, how: "done" | "failed"): { readonly step: Step; readonly by: StepId }[] {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.state !== "running") throw new Error(`Step ${id} is not running`);
    this.running--;
    for (const lock of this.options.locksOf(entry.step)) this.held.delete(lock);
    const blocked: Entry[] = [];
    this.settle(entry, how, blocked);
    this.openStage();
    return blocked.sort((a, b) => a.index - b.index).map((other) => ({ step: other.step, by: other.blockedBy ?? id }));
  }

  /** Iterative: a failure at the head of a long chain blocks all of it. */
  private settle(first: Entry, how: Ended, blocked: Entry[]): void {
    const queue: { entry: Entry; how: Ended }[] = [{ entry: first, how }];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { entry } = next;
      entry.state = next.how;
      this.left[entry.step.stage] = (this.left[entry.step.stage] ?? 0) - 1;
      for (const { entry: other, hard } of entry.dependents) {
        other.waitsFor--;
        if (hard && next.how !== "done" && this.stops(entry.step, other.step)) other.blockedBy ??= entry.step.id;
        if (other.waitsFor > 0) continue;
        if (other.blockedBy === undefined) {
          this.park(other);
        } else {
          blocked.push(other);
          queue.push({ entry: other, how: "blocked" });
        }
      }
    }
  }

  /** `onFailure: ignore` frees other services; a service's own update never runs on a failed init. */
  private stops(failed: Step, dependent: Step): boolean {
    if (failed.kind === "packages" || dependent.kind === "packages") return true;
    return failed.service === dependent.service || !this.options.ignores(failed.service);
  }

  /** Nothing before it is left; it starts when its stage does. */
  private park(entry: Entry): void {
    entry.state = "ready";
    if (entry.step.stage > this.stage) {
      this.parked.push(entry);
      return;
    }
    let low = 0;
    for (let high = this.ready.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.ready[middle]?.index ?? 0) < entry.index) low = middle + 1;
      else high = middle;
    }
    this.ready.splice(low, 0, entry);
  }

  private openStage(): void {
    if (this.stage > 0 || (this.left[0] ?? 0) > 0) return;
    this.stage = 1;
    for (const entry of this.parked.splice(0)) this.park(entry);
  }
}
