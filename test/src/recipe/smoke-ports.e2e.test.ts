import { createServer } from "node:net";
import { beforeAll, expect, test } from "vitest";
import type { Provider } from "../../../src/machine/machine.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import { buildImage } from "../../../src/recipe/build/build-image.ts";
import type { Event } from "../../../stage2/index.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});

const IMAGES =
  "name: small\nruntime: system\nservices: [base]\nimages:\n  one: {on: sandbox, services: [base]}\n  two: {on: sandbox, services: [base]}\n";

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    }),
  );
}

test("buildImage() of two images at once whose machines want one port builds both, one smoke test after the other", async () => {
  const port = await freePort();
  // Long enough for the other build to come to its smoke test meanwhile.
  const serve = `require("node:net").createServer().listen(${port}, "127.0.0.1", () => setTimeout(() => process.exit(0), 1500))`;
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": IMAGES,
    "services/base/service.yaml": `description: Base\ninit: |\n  true\nupdate: |\n  node -e '${serve}'\n`,
  });
  const events: Event[] = [];
  const options = { dir, provider, report: (event: Event) => events.push(event), signal: new AbortController().signal };
  const built = await Promise.all(["one", "two"].map((image) => buildImage({ ...options, image })));
  expect(built.map(({ image }) => image.name)).toEqual(["one", "two"]);
  expect(events).toContainEqual(expect.objectContaining({ k: "desk-done", step: "wait for another smoke test" }));
});

test("buildImage() names the machines that run beside a smoke test that failed", async () => {
  const dir = await makeProject({
    ...SMALL,
    "bootlace.yaml": IMAGES,
    "services/base/service.yaml": "description: Base\nupdate: |\n  echo taken; exit 4\n",
  });
  await provider.launch({ name: "neighbour", dir, base: { kind: "host" }, purpose: "run" });
  const run = buildImage({ dir, provider, image: "one", report: () => {}, signal: new AbortController().signal });
  await expect(run).rejects.toMatchObject({
    code: "E_RUN_FAILED",
    message: expect.stringContaining("image one, first boot: base.update failed"),
    hint: expect.stringMatching(/base\.update\.log\n.*ports: neighbour\.$/),
  });
});
