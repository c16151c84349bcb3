import { afterAll, beforeAll, expect, test } from "vitest";
import { buildImage } from "../../../../src/recipe/build/build-image.ts";
import type { Event } from "../../../../stage2/index.ts";
import { makeProject, SMALL } from "../../../support/small-project.ts";
import { type Ec2Rig, openEc2Rig } from "./rig.ts";

const TOKEN = 'pä"ss/wörd+0123456789';
let rig: Ec2Rig;
beforeAll(async () => {
  process.env.BOOTLACE_TEST_TOKEN = TOKEN;
  rig = await openEc2Rig();
});
afterAll(async () => {
  delete process.env.BOOTLACE_TEST_TOKEN;
  await rig?.close();
});

test("an AMI is not made of an instance that holds a secret: it is searched from inside before it stops, and nothing is left", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": `name: small
runtime: system
region: eu-west-1
secrets: {base.token: "env:BOOTLACE_TEST_TOKEN"}
images:
  base: {on: ec2, from: {name: "debian-12-amd64-*", owner: "136693071363"}, services: [base], ec2: {openTo: 127.0.0.1/32}}
`,
    "services/base/service.yaml":
      'description: Base\nsecrets: {token: {phases: [init]}}\ninit: base64 -w0 "$BOOTLACE_CREDENTIALS/token" >"$BOOTLACE_STATE/copy"\n',
  });
  const events: Event[] = [];
  const signal = new AbortController().signal;
  const tried = buildImage({
    dir,
    image: "base",
    provider: rig.provider,
    report: (event) => events.push(event),
    signal,
  });
  const error = await tried.catch((thrown: Error) => thrown);
  expect(error).toMatchObject({
    code: "E_IMAGE_NOT_CLEAN",
    message: expect.stringMatching(/state\/base\/copy: the secret base\.token \(encoded\) \(service base\)/),
  });
  expect(String(error)).not.toContain(TOKEN);
  expect(events.flatMap((event) => (event.k === "desk-start" ? [event.step] : []))).not.toContain("stop");
  await rig.ec2.settle();
  expect(await rig.ec2.leftovers()).toEqual([]);
});
