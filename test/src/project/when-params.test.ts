import { expect, test } from "vitest";
import { fillNames, paramsOf } from "../../../src/machine/fill-names.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { findClosure } from "../../../stage2/index.ts";
import { holds, whyAbsent } from "../../../stage2/plan/conditions.ts";
import { makeProject } from "../../support/small-project.ts";

const FACTS = { os: "debian", arch: "x86_64", provider: "sandbox" } as Parameters<typeof holds>[1];
const FILES = (params: string) => ({
  "bootlace.yaml": `name: conditions\nservices: [web]\nparams: {drivers: {${params}}}\n`,
  "services/web/service.yaml": "description: Web\nrequires: [drivers]\ninit: echo web\n",
  "services/drivers/service.yaml": `description: Drivers
requires: [kernel]
params: {gpu: false, kind: small}
when: {params: {gpu: true, kind: [medium, large]}, os: [debian]}
init: echo drivers
`,
  "services/kernel/service.yaml": "description: Kernel\ninit: echo kernel\n",
});
const drivers = async (params: string) => {
  const { project } = await loadProject(await makeProject(FILES(params)));
  const service = project.services.find(({ name }) => name === "drivers");
  if (!service) throw new Error("no service drivers");
  return { project, service };
};

test("a service is left out, with what only it requires, where its parameters rule it out, and the reason is told", async () => {
  const { project, service } = await drivers("kind: large");
  expect(holds(service.when, FACTS)).toBe(false);
  expect(whyAbsent(service.when, FACTS)).toBe("gpu is false, not true");
  const byName = new Map(project.services.map((one) => [one.name, one]));
  const { services, absent } = findClosure(byName, ["web"], ({ when }) => holds(when, FACTS));
  expect([services.map(({ name }) => name), absent]).toEqual([["web"], ["drivers"]]);
});

test("a service is there where each of its parameters has one of the values, and its other conditions stay the machine's", async () => {
  const { service } = await drivers("gpu: true, kind: medium");
  expect(service.when).toEqual({ os: ["debian"] });
  expect(holds(service.when, { ...FACTS, os: "amzn" })).toBe(false);
});

test("fillNames() puts parameters into names and tags, and refuses what names none", () => {
  const look = paramsOf([{ name: "shop", params: { release: "42", hosts: ["a", "b"] } }]);
  expect(
    fillNames(
      { imageName: "{project}-{params.shop.release}-{id}", tags: { hosts: "{params.shop.hosts}" } },
      "images.web",
      look,
    ),
  ).toEqual({ imageName: "{project}-42-{id}", tags: { hosts: "a b" } });
  expect(() => fillNames({ tags: { release: "{params.shop.relaese}" } }, "images.web", look)).toThrow(
    "images.web.ec2.tags.release: {params.shop.relaese} names no parameter of its services",
  );
});
