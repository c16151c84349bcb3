import { expect, test } from "vitest";
import type { Machine, Stopped } from "../../../src/machine/machine.ts";
import { Link } from "../../../src/machine/run/link.ts";
import { stopStep } from "../../../src/recipe/build/make-image.ts";

const never = new AbortController().signal;
const stopping = (how: Stopped) => {
  const machine = { name: "build-web-1", console: "/srv/console.log", stop: async () => how } as unknown as Machine;
  return stopStep.run({ machine, link: new Link(machine) } as Parameters<typeof stopStep.run>[0], {
    report: () => {},
    signal: never,
  });
};

test("a build makes no image of a machine whose power had to be cut, and says where to look", async () => {
  await expect(stopping("cut off")).rejects.toMatchObject({
    code: "E_MACHINE_STATE",
    message: "build-web-1 did not end in time, and its power was cut",
    hint: expect.stringContaining("/srv/console.log"),
  });
  expect(await stopping("in order")).toEqual({});
});
