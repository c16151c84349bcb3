import { expect, test } from "vitest";
import { SourceFile } from "../../../src/manifest/source-file.ts";
import { checkGraph, unknownService } from "../../../src/project/check-graph.ts";
import type { Definition } from "../../../src/project/definition.ts";
import { FaultList } from "../../../src/project/fault-list.ts";

function definition(name: string, requires: string[]): [string, Definition] {
  const source = new SourceFile(`services/${name}/service.yaml`, `requires: [${requires.join(", ")}]\n`);
  const own = {
    name,
    source,
    value: { requires },
    raw: { requires },
    manifest: undefined,
    files: [],
    sound: true,
    trimmed: false,
  };
  const place: Definition["place"] = (path, what) => source.place(path, what);
  return [
    name,
    { name, trimmed: false, own, chain: [own], value: own.value, files: new Map(), originOf: () => own, place },
  ];
}

const DEPTH = 100_000;
const chain = (last: string[]): Map<string, Definition> =>
  new Map(
    Array.from({ length: DEPTH }, (_, index) => definition(`s${index}`, index + 1 < DEPTH ? [`s${index + 1}`] : last)),
  );

test("checkGraph() walks a chain of 100,000 services", () => {
  const faults = new FaultList();
  checkGraph(chain([]), faults);
  expect(faults.all).toEqual([]);
});

test("checkGraph() names a circle of 100,000 services, shortened, with places", () => {
  const faults = new FaultList();
  checkGraph(chain(["s0"]), faults);
  expect(faults.all).toHaveLength(1);
  expect(faults.all[0]).toMatchObject({
    code: "E_CYCLE",
    place: { file: "services/s0/service.yaml", line: 1, column: 12 },
  });
  expect(faults.all[0]?.message).toMatch(
    /^Services stand in a circle: s0 → s1 → .*… 99988 more ….* → s0; further edges: .*and 99988 more$/,
  );
});

test.each([
  ["app-user", "bootlace/app-user"],
  ["app-usr", "bootlace/app-user"],
  ["wbe", "web"],
  ["shop", undefined],
])(
  "unknownService() for %s proposes %s: names that come with Bootlace are known without their prefix",
  (name, near) => {
    const faults = new FaultList();
    const source = new SourceFile("bootlace.yaml", "services: [x]\n");
    unknownService(name, ["web", "bootlace/app-user", "bootlace/cron"], source.place(["services", 0]), faults);
    expect(faults.all[0]?.suggestion).toBe(near && `did you mean "${near}"?`);
  },
);
