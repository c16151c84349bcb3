import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Machine, Provider } from "../../../src/machine/machine.ts";
import { SecretValue, sendSecrets } from "../../../src/machine/run/send-secrets.ts";
import { sandboxProvider } from "../../../src/machine/sandbox/sandbox-provider.ts";
import type { Session } from "../../../src/session/session.ts";
import { makeProject } from "../../support/small-project.ts";
import { supervisorCommand } from "../../support/supervisor.ts";

let provider: Provider;
let machine: Machine;
let session: Session;
beforeAll(async () => {
  provider = sandboxProvider({ supervisor: await supervisorCommand() });
});
beforeEach(async () => {
  machine = await provider.launch({ name: "dev", dir: await makeProject({}), base: { kind: "host" }, purpose: "run" });
  session = await machine.session();
});
afterEach(async () => {
  await session.close();
  await machine.dispose();
});

const run = async (line: string): Promise<string> => {
  const { exit, stdout, stderr } = await session.exec(["sh", "-c", line]);
  expect([line, exit, stderr]).toEqual([line, 0, ""]);
  return stdout.trim();
};
const VALUE = Buffer.from([0x00, 0xff, 0xfe, 0x0a, 0x81, 0x27]);
const SECRET = new SecretValue("bootlace/shop", "token", VALUE);
/** What a container has whose /run is on its disk. */
const RUN_ON_DISK = "mkdir /srv/disk; mount --bind /srv/disk /run/bootlace";

test("sendSecrets() writes a secret, byte for byte, into /run for root alone, and again over itself", async () => {
  await sendSecrets(session, [SECRET]);
  await sendSecrets(session, [SECRET]);
  const [folder, file] = ["/run/bootlace/secrets/bootlace/shop", "/run/bootlace/secrets/bootlace/shop/token"];
  expect(await run(`stat -c %a:%u ${folder} ${file}; ls ${folder}; od -An -tx1 ${file}`)).toBe(
    `700:0\n400:0\ntoken\n ${VALUE.toString("hex").replace(/..(?!$)/g, "$& ")}`,
  );
});

test("sendSecrets() leaves a disk alone and takes /dev/shm when /run is on one", async () => {
  await run(RUN_ON_DISK);
  await sendSecrets(session, [SECRET]);
  expect(await run("find /srv/disk -type f; stat -c %a /dev/shm/bootlace/secrets/bootlace/shop/token")).toBe("400");
});

test.each([
  ["that another user made", "mkdir /dev/shm/bootlace; chown 65534 /dev/shm/bootlace"],
  ["that a group may write in", "mkdir /dev/shm/bootlace; chmod 0770 /dev/shm/bootlace"],
  ["that all may write in", "mkdir /dev/shm/bootlace; chmod 1777 /dev/shm/bootlace"],
  ["that is a link", "mkdir /dev/shm/mine; ln -s mine /dev/shm/bootlace"],
])("sendSecrets() fails and writes nothing when all that is in memory is a folder %s", async (_what, plant) => {
  await run(`${RUN_ON_DISK}; ${plant}`);
  await expect(sendSecrets(session, [SECRET])).rejects.toMatchObject({
    code: "E_SECRET_SOURCE",
    message: expect.stringContaining("the secret bootlace/shop.token was not sent"),
  });
  expect(await run("find /srv/disk /dev/shm -type f")).toBe("");
});
