import { expect, test } from "vitest";
import { commandLineParams } from "../../../src/project/command-line-params.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { paramNotes } from "../../../src/project/param-notes.ts";
import { projectOf } from "../../support/project.ts";

const FILES = {
  "bootlace.yaml": "name: shop\nservices: [shop]\nparams: {shop: {workers: 8}}\n",
  "services/app/service.yaml":
    "description: App\nparams:\n  workers: {type: integer, default: 4, min: 1}\n  ratio: {type: number, default: 0.5}\n  debug: false\n  hosts: {type: list, default: []}\n  motto: hello\n",
  "services/shop/service.yaml": "description: Shop\nextends: app\nparams: {motto: buy}\n",
};

test("commandLineParams() gives each value the type that its service declares", async () => {
  const dir = projectOf(FILES);
  const given = ["shop.workers=12", "shop.ratio=1e-2", "shop.debug=true", "shop.hosts=a,b", "shop.motto=7=x"];
  expect(await commandLineParams(dir, given)).toEqual({
    shop: { workers: 12, ratio: 0.01, debug: true, hosts: ["a", "b"], motto: "7=x" },
  });
  expect(await commandLineParams(dir, ['shop.hosts=["a,b", 1]'])).toEqual({ shop: { hosts: ["a,b", 1] } });
  expect(await commandLineParams(dir, ["shop.hosts="])).toEqual({ shop: { hosts: [] } });
});

test("commandLineParams() tells everything at once that a service does not take", async () => {
  const dir = projectOf(FILES);
  const error = await commandLineParams(dir, [
    "shop.workers=many",
    "shop.workers=0",
    "shop.wokers=1",
    "shup.x=1",
  ]).catch((caught) => caught);
  expect(error).toMatchObject({ code: "E_CHECK" });
  expect(error.faults.map(({ code, suggestion }: { code: string; suggestion?: string }) => [code, suggestion])).toEqual(
    [
      ["E_PARAM", undefined],
      ["E_PARAM", undefined],
      ["E_UNKNOWN_PARAM", 'did you mean "workers"?'],
      ["E_UNKNOWN_SERVICE", 'did you mean "shop"?'],
    ],
  );
  await expect(commandLineParams(dir, ["workers=1"])).rejects.toMatchObject({ code: "E_USAGE" });
});

test("paramNotes() tells default, extends, project, image and command line apart, the last one on top", async () => {
  const dir = projectOf(FILES);
  const overlays = [
    { from: "image", values: { shop: { debug: true, hosts: ["a"] } } },
    { from: "command line", values: { shop: { hosts: ["b"] } } },
  ];
  const loaded = await loadProject(dir, { params: { shop: { debug: true, hosts: ["b"] } } });
  const notes = await paramNotes(loaded, loaded.project.services, overlays);
  expect(notes.shop).toEqual({
    workers: { value: 8, from: "project" },
    ratio: { value: 0.5, from: "extends app" },
    debug: { value: true, from: "image" },
    hosts: { value: ["b"], from: "command line" },
    motto: { value: "buy", from: "default" },
  });
});
