import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import { machineNames, removeFolder } from "../../src/machine/machine-folder.ts";
import { sandboxProvider } from "../../src/machine/sandbox/sandbox-provider.ts";

const made: string[] = [];
afterEach(async () => {
  for (const folder of made.splice(0)) {
    // A test that failed leaves its machines running.
    for (const name of await machineNames(folder)) await (await sandboxProvider().find(folder, name))?.dispose();
    await removeFolder(folder);
  }
});

/** Writes files into a new folder of its own, which goes with the test; answers its path. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bootlace-project-"));
  made.push(dir);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

/** Two services and one image; `runtime: system`, because the sandbox sees this computer's Node. */
export const SMALL: Readonly<Record<string, string>> = {
  "bootlace.yaml":
    "name: small\nruntime: system\nservices: [web]\nimages:\n  base: {on: sandbox, services: [base]}\n  web: {on: sandbox, from: base}\n",
  "services/base/service.yaml":
    "description: Base\ninit: |\n  echo base-init >>/srv/log\nupdate: |\n  echo base-update >>/srv/log\n",
  "services/web/service.yaml":
    "description: Web\nrequires: [base]\ninit: |\n  echo web-init >>/srv/log\nupdate: |\n  echo web-update >>/srv/log\nseal: |\n  echo web-seal >>/srv/log\n",
};
