import { expect, test } from "vitest";
import { readSecrets } from "../../../src/machine/run/send-secrets.ts";
import { loadProject } from "../../../src/project/load-project.ts";
import { makeProject } from "../../support/small-project.ts";

test("readSecrets() says how to set a variable that is not set", async () => {
  const dir = await makeProject({
    "bootlace.yaml": "name: small\nservices: [web]\nsecrets:\n  web.key: env:BOOTLACE_TEST_NOT_SET\n",
    "services/web/service.yaml": "description: Web\nsecrets:\n  key: {phases: [init]}\ninit: |\n  true\n",
  });
  await expect(readSecrets(await loadProject(dir), ["web"])).rejects.toMatchObject({
    code: "E_SECRET_SOURCE",
    hint: "Set it: export BOOTLACE_TEST_NOT_SET=…",
  });
});
