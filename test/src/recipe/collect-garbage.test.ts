import { expect, test } from "vitest";
import { findGarbage } from "../../../src/recipe/collect-garbage.ts";
import { makeProject } from "../../support/small-project.ts";

test("findGarbage() leaves machines of every provider alone", async () => {
  const spec = {
    name: "vm",
    id: "vm-1",
    purpose: "run",
    layers: [],
    base: { digest: "0", format: "raw", boot: "disk" },
  };
  const dir = await makeProject({
    ".bootlace/machines/vm/spec.json": JSON.stringify({ ...spec, provider: "qemu" }),
    ".bootlace/machines/box/spec.json": JSON.stringify({
      ...spec,
      name: "box",
      provider: "sandbox",
      depot: "/nowhere",
    }),
  });
  expect((await findGarbage(dir, Date.now())).entries).toEqual([]);
});
