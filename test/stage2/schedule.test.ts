import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { criticalPath } from "../../stage2/execute/critical-path.ts";
import { Schedule } from "../../stage2/execute/schedule.ts";
import type { Plan, ScriptStep } from "../../stage2/types/plan.ts";

const step = (index: number, needs: readonly number[], after: readonly number[], stage: 0 | 1): ScriptStep => ({
  kind: "script",
  id: `s${index}.${stage === 0 ? "init" : "update"}`,
  stage,
  service: `s${index}`,
  phase: stage === 0 ? "init" : "update",
  needs: needs.map((n) => `s${n}.init`),
  after: after.map((n) => `s${n}.init`),
  why: "new",
  detail: "",
});

const planOf = (steps: readonly ScriptStep[]): Plan => ({
  roots: [],
  closure: [],
  steps,
  left: [],
  assumed: [],
  orphaned: [],
  renamed: [],
  changedInits: [],
});

const graph = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(40), { maxLength: 3 }),
      after: fc.array(fc.nat(40), { maxLength: 2 }),
      lock: fc.nat(4),
      fails: fc.boolean(),
      ignored: fc.boolean(),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((rows) =>
    rows.map((row, index) => ({
      ...row,
      step: step(
        index,
        row.needs.filter((n) => n < index),
        row.after.filter((n) => n < index),
        0,
      ),
    })),
  );

describe("Schedule", () => {
  test("ends every step once, within the jobs and locks, none before what it waits for, and blocks exactly what a failure blocks", () => {
    fc.assert(
      fc.property(graph, fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat()), (rows, jobs, choices) => {
        const row = new Map(rows.map((one) => [one.step.id, one]));
        const schedule = new Schedule(planOf(rows.map((one) => one.step)), {
          jobs,
          ignores: (service) => rows.some((one) => one.step.service === service && one.ignored),
          locksOf: ({ id }) => (row.get(id)!.lock === 0 ? [] : [`lock${row.get(id)!.lock}`]),
        });
        const ended = new Map<string, "done" | "failed" | "blocked">();
        const running = new Set<string>();
        while (!schedule.finished) {
          for (const taken of schedule.take()) {
            for (const id of [...taken.needs, ...taken.after]) expect(ended.has(id)).toBe(true);
            running.add(taken.id);
          }
          expect(running.size).toBeGreaterThan(0);
          expect(running.size).toBeLessThanOrEqual(jobs);
          const locks = [...running].map((id) => row.get(id)!.lock).filter((lock) => lock > 0);
          expect(new Set(locks).size).toBe(locks.length);
          const next = [...running][choices.next().value % running.size]!;
          running.delete(next);
          const how = row.get(next)!.fails ? "failed" : "done";
          expect(ended.has(next)).toBe(false);
          ended.set(next, how);
          for (const { step: other } of schedule.end(next, how)) ended.set(other.id, "blocked");
        }
        expect(ended.size).toBe(rows.length);
        for (const { step: one, fails } of rows) {
          const bad = one.needs.some((id) => ended.get(id) !== "done" && !row.get(id)!.ignored);
          expect(ended.get(one.id)).toBe(bad ? "blocked" : fails ? "failed" : "done");
        }
      }),
    );
  });

  test("begins no update before all inits have ended, also those that failed", () => {
    const schedule = new Schedule(planOf([step(0, [], [], 0), step(1, [], [], 0), step(2, [], [], 1)]), {
      jobs: 9,
      ignores: () => false,
      locksOf: () => [],
    });
    expect(schedule.take().map(({ id }) => id)).toEqual(["s0.init", "s1.init"]);
    schedule.end("s0.init", "done");
    expect(schedule.take()).toEqual([]);
    schedule.end("s1.init", "failed");
    expect(schedule.take().map(({ id }) => id)).toEqual(["s2.update"]);
  });

  test("never runs a service's update on its failed init, not even where its failure is ignored", () => {
    const update: ScriptStep = { ...step(0, [0], [], 1) };
    const schedule = new Schedule(planOf([step(0, [], [], 0), update]), {
      jobs: 9,
      ignores: () => true,
      locksOf: () => [],
    });
    schedule.take();
    expect(schedule.end("s0.init", "failed").map(({ step: { id } }) => id)).toEqual(["s0.update"]);
  });

  test("blocks a chain 100,000 long without overflowing the stack", () => {
    const steps = Array.from({ length: 100_000 }, (_, i) => step(i, i === 0 ? [] : [i - 1], [], 0));
    const schedule = new Schedule(planOf(steps), { jobs: 1, ignores: () => false, locksOf: () => [] });
    schedule.take();
    expect(schedule.end("s0.init", "failed")).toHaveLength(99_999);
    expect(schedule.finished).toBe(true);
  });
});

describe("criticalPath()", () => {
  test("is the longest chain by measured times, over both stages", () => {
    const steps = [step(0, [], [], 0), step(1, [0], [], 0), step(2, [], [], 0), { ...step(3, [], [], 1), needs: [] }];
    const path = criticalPath(
      steps,
      new Map([
        ["s0.init", 10],
        ["s1.init", 10],
        ["s2.init", 50],
        ["s3.update", 5],
      ]),
    );
    expect(path).toEqual({ steps: ["s2.init", "s3.update"], ms: 55 });
  });
});
