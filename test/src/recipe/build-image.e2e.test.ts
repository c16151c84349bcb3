import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { findImage } from "../../../src/image/find-image.ts";
import { imageBase } from "../../../src/image/image-record.ts";
import type { Machine, Provider } from "../../../src/machine/machine.ts";
import { Link } from "../../../src/machine/run/link.ts";
import { followBoot } from "../../../src/machine/run/run-phase.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { buildImage } from "../../../src/recipe/build/build-image.ts";
import type { Event } from "../../../stage2/index.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});

const build = (dir: string, image: string, events: Event[], more = {}) =>
  buildImage({
    dir,
    image,
    provider,
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    ...more,
  });

test("buildImage() goes from the host to an image, and an image made from it runs no init again", async () => {
  const service = `${SMALL["services/web/service.yaml"]}params: {motto: hello}\n`;
  const dir = await makeProject({ ...SMALL, "services/web/service.yaml": service });
  const events: Event[] = [];
  const base = await build(dir, "base", events);
  expect(base.built).toBe(true);
  const params = { web: { motto: "buy" } };
  const web = await build(dir, "web", events, { params });
  expect(web.image.layers.map(({ digest }) => digest).slice(0, 1)).toEqual(
    base.image.layers.map(({ digest }) => digest),
  );
  const image = await findImage(dir, "web");
  expect(image?.id).toBe(web.image.id);
  expect(image).toMatchObject({
    state: "good",
    provenance: "built",
    parent: { name: "base", id: base.image.id },
    base: `base/${base.image.id}`,
    lineage: `base/${base.image.id}`,
    params: { web: { motto: { value: "buy", from: "command line" } } },
    bytes: image?.layers.at(-1)?.bytes,
    inventory: {
      users: expect.arrayContaining([expect.stringMatching(/^root 0 0 /)]),
      files: { machine: { "/srv/log": expect.stringMatching(/^[0-9a-f]{16}$/) } },
    },
  });
  const machine = await provider.launch({ name: "dev", dir, base: imageBase(dir, web.image), purpose: "run" });
  await withMachine(machine, async () => {
    const link = new Link(machine);
    const close = await followBoot(link, { onEvent: () => {} });
    expect(close.outcome).toBe("done");
    const log = (await (await link.session()).exec(["cat", "/srv/log"])).stdout.trim().split("\n");
    expect(log).toEqual(["base-init", "web-init", "web-seal", "base-update", "web-update"]);
    await link.close();
  });
  expect(readdirSync(join(dir, ".bootlace", "ledger"))).toEqual([]);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  const again = await build(dir, "web", [], { params });
  expect(again).toEqual({ image: web.image, built: false });
});

async function withMachine(machine: Machine, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await machine.dispose();
  }
}

test("buildImage() sends a secret again to an init that asked for a reboot", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": `${SMALL["bootlace.yaml"]}secrets: {base.token: "env:BOOTLACE_TEST_TOKEN"}\n`,
    "services/base/service.yaml": `description: Base
secrets: {token: {phases: [init]}}
init: |
  wc -c <"$BOOTLACE_CREDENTIALS/token" >>/srv/read
  [ -e "$BOOTLACE_STATE/once" ] || { : >"$BOOTLACE_STATE/once"; exit 194; }
  [ "$(cat /srv/read)" = "$(printf '16\\n16')" ]
`,
  });
  process.env.BOOTLACE_TEST_TOKEN = "sixteen-letters!";
  try {
    const { built } = await buildImage({
      dir,
      image: "base",
      provider,
      report: () => {},
      signal: new AbortController().signal,
    });
    expect(built).toBe(true);
  } finally {
    delete process.env.BOOTLACE_TEST_TOKEN;
  }
});
