import { expect, test } from "vitest";
import { Recipe } from "../../../src/recipe/recipe.ts";
import { runRecipe } from "../../../src/recipe/run-recipe.ts";
import type { Event } from "../../../stage2/index.ts";

const options = (events: Event[], signal = new AbortController().signal) => ({
  of: "test",
  report: (event: Event) => void events.push(event),
  signal,
});

function threeSteps(failing: string, seen: string[], broken: string[] = []) {
  const step = (name: string) => ({
    name,
    async run() {
      seen.push(`do ${name}`);
      if (name === failing) throw new Error(`${name} went wrong`);
      return {};
    },
    async undo() {
      seen.push(`undo ${name}`);
      if (broken.includes(name)) throw new Error(`${name} stays`);
    },
  });
  return Recipe.start<object>().step(step("a")).step(step("b")).step(step("c"));
}

test("runRecipe() hands each step what the steps before made", async () => {
  const recipe = Recipe.start<{ one: number }>()
    .step({ name: "two", run: async ({ one }) => ({ two: one + 1 }) })
    .step({ name: "three", run: async ({ one, two }) => ({ three: one + two }) });
  expect(await runRecipe(recipe, { one: 1 }, options([]))).toEqual({ one: 1, two: 2, three: 3 });
});

test("runRecipe() undoes what began, in reverse, and throws the first error", async () => {
  const seen: string[] = [];
  await expect(runRecipe(threeSteps("b", seen), {}, options([]))).rejects.toThrow("b went wrong");
  expect(seen).toEqual(["do a", "do b", "undo b", "undo a"]);
});

test("runRecipe() goes on with the other undos when one fails, still throws the first error and says what is left", async () => {
  const seen: string[] = [];
  const events: Event[] = [];
  await expect(runRecipe(threeSteps("c", seen, ["b"]), {}, options(events))).rejects.toThrow("c went wrong");
  expect(seen.slice(3)).toEqual(["undo c", "undo b", "undo a"]);
  const undos = events.filter((event) => event.k === "desk-undo");
  expect(undos.map(({ step, ok }) => [step, ok])).toEqual([
    ["c", true],
    ["b", false],
    ["a", true],
  ]);
  expect(undos[1]).toMatchObject({ message: "b stays" });
});

test("runRecipe() begins no further step after an interruption and undoes what there is, without asking", async () => {
  const seen: string[] = [];
  const abort = new AbortController();
  const recipe = threeSteps("none", seen);
  const report = (event: Event) => {
    if (event.k === "desk-done" && event.step === "a") abort.abort("SIGINT");
  };
  const run = runRecipe(recipe, {}, { of: "test", report, signal: abort.signal, decide: async () => "keep" });
  await expect(run).rejects.toMatchObject({ name: "AbortError", cause: "SIGINT" });
  expect(seen).toEqual(["do a", "undo b", "undo a"]);
});

test("runRecipe() goes back to where a step says on retry, without repeating what is to be done once", async () => {
  const seen: string[] = [];
  let tries = 0;
  const note = (name: string, more = {}) => ({ name, run: async () => ({ length: seen.push(name) }), ...more });
  const recipe = Recipe.start<object>()
    .step(note("prepare"))
    .step(note("launch", { once: true }))
    .step({
      name: "init",
      retryFrom: "prepare",
      async run() {
        seen.push("init");
        tries += 1;
        if (tries < 3) throw new Error("not yet");
        return {};
      },
    });
  await runRecipe(recipe, {}, { ...options([]), decide: async () => "retry" });
  expect(seen).toEqual(["prepare", "launch", "init", "prepare", "init", "prepare", "init"]);
});

test("runRecipe() undoes nothing when the person wants to keep it", async () => {
  const seen: string[] = [];
  const run = runRecipe(threeSteps("b", seen), {}, { ...options([]), decide: async () => "keep" });
  await expect(run).rejects.toThrow("b went wrong");
  expect(seen).toEqual(["do a", "do b"]);
});

test("runRecipe() lets go of what is kept, undoes nothing, and throws the error", async () => {
  const seen: string[] = [];
  const recipe = Recipe.start<object>()
    .step({
      name: "launch",
      run: async () => ({ link: "open" }),
      undo: async () => void seen.push("undo launch"),
      leave: async ({ link }) => void seen.push(`leave ${link}`),
    })
    .step({
      name: "init",
      run: async () => {
        throw new Error("init went wrong");
      },
    });
  const run = runRecipe(recipe, {}, { ...options([]), decide: async () => "keep" });
  await expect(run).rejects.toThrow("init went wrong");
  expect(seen).toEqual(["leave open"]);
});

test("runRecipe() leaves a step out whose `when` says no, without an event", async () => {
  const events: Event[] = [];
  const step = (name: string, wanted: boolean) => ({ name, when: () => wanted, run: async () => ({ [name]: true }) });
  const ended = await runRecipe(
    Recipe.start<object>().step(step("a", true)).step(step("b", false)),
    {},
    options(events),
  );
  expect(ended).toEqual({ a: true });
  expect(new Set(events.flatMap((event) => ("step" in event ? [event.step] : [])))).toEqual(new Set(["a"]));
});
