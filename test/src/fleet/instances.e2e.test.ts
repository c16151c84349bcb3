import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readConsoleState } from "../../../src/fleet/console-state.ts";
import { type } from "../../support/sandbox-hosts.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { makeKey } from "../../support/sshd.ts";
import { RolloutRig } from "../rollout/rollout-rig.ts";

let rig: RolloutRig;
let dir: string;
let group: string;
let ids: readonly string[];

beforeAll(async () => {
  rig = await RolloutRig.open();
  dir = mkdtempSync(join(tmpdir(), "bootlace-fleet-"));
  makeKey(join(dir, "key"), "ed25519");
  await rig.api.importKeyPair({ KeyName: "ops", PublicKeyMaterial: readFileSync(join(dir, "key.pub")) });
  const { GroupId = "" } = await rig.api.createSecurityGroup({ GroupName: "ops", Description: "of a test" });
  const IpPermissions = [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "127.0.0.1/32" }] }];
  await rig.api.authorizeSecurityGroupIngress({ GroupId, IpPermissions });
  // Debian: `admin` logs in, by what is known of the AMI.
  const more = { KeyName: "ops", SecurityGroupIds: [GroupId] };
  group = await rig.group(await rig.template(rig.account.ec2.amis.debian, more));
  ids = [...(await rig.members(group)).ids].sort();
  for (const id of ids) await printed(id, "-----END SSH HOST KEY KEYS-----");
  await configure();
});
afterEach(() => rig.account.ec2.behave());
afterAll(async () => {
  delete process.env.BOOTLACE_SSH_CONFIG;
  await rig?.close();
  rmSync(dir, { recursive: true, force: true });
});

async function consoleOf(id: string): Promise<string> {
  const { Output = "" } = await rig.api.getConsoleOutput({ InstanceId: id, Latest: true });
  return Buffer.from(Output, "base64").toString();
}

async function printed(id: string, text: string): Promise<void> {
  while (!(await consoleOf(id)).includes(text)) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** As a person has it who compared the keys with the consoles. @param known of which instances. */
async function configure(known: readonly string[] = ids): Promise<void> {
  const lines = await Promise.all(
    known.map(async (id) => {
      const [, keys = ""] = /BEGIN SSH HOST KEY KEYS-----\r?\n([\s\S]*?)-----END/.exec(await consoleOf(id)) ?? [];
      const address = rig.account.ec2.state.instances.get(id)?.api.PublicIpAddress;
      return keys
        .trim()
        .split(/\r?\n/)
        .map((key) => `${address} ${key}\n`);
    }),
  );
  writeFileSync(join(dir, "known"), lines.flat().join(""));
  const files = `UserKnownHostsFile ${dir}/known\n  GlobalKnownHostsFile none`;
  writeFileSync(join(dir, "config"), `Host *\n  IdentityFile ${dir}/key\n  IdentityAgent none\n  ${files}\n`);
  process.env.BOOTLACE_SSH_CONFIG = join(dir, "config");
}

const project = () =>
  makeProject({
    ...SMALL,
    "bootlace.yaml": `name: small\nruntime: system\nregion: eu-west-1\nservices: [web]\ngroups:\n  prod: {asg: ${group}, services: [base]}\n`,
    "services/base/service.yaml":
      "description: Base\nupdate: |\n  echo base-update >>/srv/log\nactions:\n  hello: |\n    echo hello from $(id -un)\n",
  });

test("apply, status, do and shell take asg:, tag:, i- and a group of bootlace.yaml, each instance with what its group says", async () => {
  const folder = await project();
  expect(await type(folder, ["apply", `asg:${group}`, "--yes"])).toMatchObject({ exit: 0, err: "" });
  const [first = "", second = ""] = ids;
  const status = await type(folder, ["status", "@prod"]);
  expect(status.out).toMatch(new RegExp(`^${first} +done .*\n${second} +done `));
  const log = await type(folder, ["do", `tag:aws:autoscaling:groupName=${group}`, "base.hello"]);
  for (const id of ids) expect(log.out).toContain(`${id} | hello from root`);
  const session = await type(folder, ["status", first]);
  expect(session).toMatchObject({ exit: 0, out: expect.stringContaining("base") });
  // The group's services, not the project's.
  expect(session.out).not.toContain("web");
  expect(await type(folder, ["plan", first])).toMatchObject({ exit: 0, out: expect.stringContaining("for base") });
});

test("a word that no running instance fits, or several, is refused with what to do", async () => {
  const folder = await project();
  for (const word of ["asg:nobody", "tag:role=nobody", "i-0123456789abcdef0"])
    expect(await type(folder, ["apply", word, "--yes"])).toMatchObject({
      exit: 2,
      err: expect.stringContaining("E_FLEET_EMPTY"),
    });
  expect(await type(folder, ["logs", `asg:${group}`])).toMatchObject({
    exit: 2,
    err: expect.stringContaining(`Name one of them: ${ids.join(", ")}`),
  });
  expect(await type(folder, ["apply", "tag:role"])).toMatchObject({ exit: 2 });
});

test("a builder that runs is nobody's fleet", async () => {
  const folder = await project();
  const [first = "", second = ""] = ids;
  await rig.api.createTags({ Resources: [first], Tags: [{ Key: "bootlace:purpose", Value: "build" }] });
  const seen = await type(folder, ["status", `asg:${group}`]);
  await rig.api.deleteTags({ Resources: [first], Tags: [{ Key: "bootlace:purpose" }] });
  expect(seen.out).toContain(second);
  expect(seen.out).not.toContain(first);
});

test("status i- works from the console alone where the host key is not known, or the instance has ended", async () => {
  const folder = await project();
  const [first = ""] = ids;
  await configure([]);
  const instance = rig.account.ec2.state.instances.get(first);
  const stranger = await type(folder, ["status", first]);
  expect(stranger).toMatchObject({ exit: 0, out: expect.stringContaining(`${first}, by its console (no session: `) });
  expect(stranger.out).toContain("the console tells of no run");
  // A sandbox's /dev/console is a socket, which nothing can open: the lines come to its file by the test.
  const lines = ["run r1 open steps=1", "web.update started try=1 why=boot", "web.update failed exit=3 ms=20"];
  const said = [...lines, "run r1 failed exit=1 ms=31"].map((line) => `bootlace[run]: ${line}\n`).join("");
  appendFileSync(instance?.machine?.console ?? "", said);
  await printed(first, "run r1 failed");
  expect((await type(folder, ["status", first])).out).toMatch(
    /\nrun r1 failed, exit 1\n {2}web\.update failed exit=3 ms=20\n$/,
  );
  expect((await type(folder, ["status", `asg:${group}`])).out).toContain(
    `${first}  by its console: run r1 failed; web.update failed exit=3 ms=20`,
  );
  expect((await type(folder, ["logs", first, "--console"])).out).toContain("bootlace[run]: run r1 failed");
});

test("readConsoleState() takes the last run, and knows what is under way", () => {
  const text = `bootlace[run]: run a open steps=2
bootlace[run]: web.update started try=1 why=boot
bootlace[run]: web.update failed exit=3 ms=20
bootlace[run]: shop.update blocked by=web.update
bootlace[run]: run a failed exit=1 ms=31
[   12.1] something else
bootlace[run]: run b open steps=2\r
bootlace[run]: warning W_DEGRADED Degraded: no store\r
bootlace[run]: web.update started try=1 why=boot\r
bootlace[run]: web.update done ms=20\r
bootlace[run]: shop.update started try=1 why=boot\r
`;
  expect(readConsoleState(text)).toEqual({
    run: "b",
    outcome: undefined,
    exit: undefined,
    running: ["shop.update"],
    failed: [],
    warnings: ["W_DEGRADED Degraded: no store"],
  });
  expect(readConsoleState(`${text}bootlace[run]: run b degraded exit=0 ms=5\n`)).toMatchObject({
    outcome: "degraded",
    exit: 0,
    running: [],
  });
});
