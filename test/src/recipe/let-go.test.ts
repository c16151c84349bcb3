import { expect, test } from "vitest";
import type { Machine } from "../../../src/machine/machine.ts";
import { letGo } from "../../../src/recipe/build/let-go.ts";
import type { Event } from "../../../stage2/index.ts";

test("letGo() tells what of a machine stays, and does not give up the image for it", async () => {
  const events: Event[] = [];
  const machine = {
    name: "build-web-1",
    dispose: () => Promise.reject(new Error("security group sg-1 is in use")),
  } as unknown as Machine;
  await letGo(machine, { report: (event) => events.push(event), signal: new AbortController().signal });
  expect(events).toMatchObject([
    { k: "notice", level: "warning", message: "build-web-1 is left for `bootlace gc`: security group sg-1 is in use" },
  ]);
});
