import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type S3Server, startS3, TEST_KEY } from "../support/aws/s3-server.ts";
import { type SnsServer, startSns } from "../support/aws/sns-server.ts";
import { freePort } from "../support/sshd.ts";
import { until } from "../support/until.ts";
import { AWS_FILE, ServiceMachine } from "./machine.ts";

/** What a role of machines may do: read, and write results. */
const ROLE = { accessKeyId: "AKIAMACHINEMACHINEMA", secretAccessKey: "machine/secret", allow: ["get", "put"] } as const;

let s3: S3Server;
let sns: SnsServer;
beforeEach(async () => {
  s3 = await startS3({ credentials: [TEST_KEY, ROLE] });
  sns = await startSns();
});
afterEach(async () => {
  await s3.close();
  await sns.close();
});

const web = (line: string): string => `description: Web\nupdate: |\n  ${line}\n`;

test("a deployment is announced, machines update and tell how it went; nothing else makes them", async () => {
  const port = await freePort();
  const machine = await ServiceMachine.make({
    "bootlace.yaml": `name: shop
runtime: system
services: [web, listener]
region: eu-west-1
store: s3://acme-boot/shop
s3: {endpoint: "${s3.url}", pathStyle: true}
notify: {topic: "${sns.topic}", services: [web]}
boot: {follow: stable, auth: keys, keysFile: /etc/bootlace/keys, allowBakedKeys: true, deadline: 20s}
params: {listener: {topic: "${sns.topic}", address: 127.0.0.1, host: 127.0.0.1, port: ${port}, services: [web], debounce: 0}}
secrets: {listener.awsKeys: "file:/etc/bootlace/aws"}
machines: {dev: {on: sandbox}}
`,
    "services/web/service.yaml": web("echo one >>/srv/log"),
    "services/listener/service.yaml": `extends: bootlace/deploy-listener\nenv: {AWS_ENDPOINT_URL: "${sns.url}"}\n`,
    "services/ground/service.yaml": "init: |\n  true\n",
  });
  const env = { AWS_ENDPOINT_URL_SNS: sns.url };
  const deploy = async (line: string) => {
    await writeFile(join(machine.dir, "services/web/service.yaml"), web(line));
    return machine.run(["deploy", "stable", "--notify", "--wait", "--timeout", "60s"], env);
  };
  await machine.bootlace("key", "new");
  await machine.bootlace("deploy", "stable");
  await machine.bootlace("up", "dev", "-s", "ground");
  const keys = AWS_FILE.replace(/= AKIA.*/, `= ${ROLE.accessKeyId}`).replace(
    TEST_KEY.secretAccessKey,
    ROLE.secretAccessKey,
  );
  await machine.place("/etc/bootlace/keys", keys);
  await machine.place("/etc/bootlace/aws", AWS_FILE);
  await machine.place("/usr/local/share/ca-certificates/sns.crt", sns.authority);
  await machine.on(`update-ca-certificates 2>&1; echo ${sns.address} ${sns.host} >>/etc/hosts`);
  // What the machine has by itself: a message brings nothing along.
  await machine.on("printf 'web\\nlistener\\n' >/etc/bootlace/services");
  await machine.on("bootlace run --plain");
  expect(sns.subscriptions).toMatchObject([{ confirmed: true, endpoint: expect.stringMatching(/\/bootlace\/\S+$/) }]);
  const [{ endpoint = "" } = {}] = sns.subscriptions;
  const log = () => machine.on("cat /srv/log");
  // Who is there already is not subscribed again, and the program goes on.
  const pid = "cat /var/lib/bootlace/state/listener/listener.pid";
  const before = await machine.on(pid);
  const calls = sns.calls.length;
  await machine.on("bootlace run -s listener --plain");
  expect(sns.calls.slice(calls)).toEqual(["GetSubscriptionAttributes"]);
  expect(await machine.on(pid)).toBe(before);
  expect(await machine.on("pgrep -u nobody -cf 'listener.mjs serve'")).toBe("1\n");

  const told = await deploy("echo two >>/srv/log");
  expect([told.exit, told.err]).toEqual([0, ""]);
  expect(await log()).toBe("one\ntwo\n");
  const results = [...s3.objects.keys()].filter((key) => key.includes("/results/"));
  expect(results).toEqual([expect.stringMatching(/^shop\/results\/[0-9a-z-]+\/\S+\.json$/)]);

  // Forged, and signed but here before: nothing runs.
  const Message = JSON.stringify({
    bootlace: 1,
    deployment: "by-hand-1",
    project: "shop",
    channel: "stable",
    services: ["web"],
  });
  const message = sns.signer.sign({ TopicArn: sns.topic, Message }, "2");
  expect(await sns.post(endpoint, { ...message, Message: Message.replace("hand-1", "hand-9") })).toBe(403);
  const other = Message.replace('"web"', '"listener"');
  expect(await sns.post(endpoint, sns.signer.sign({ TopicArn: sns.topic, Message: other }))).toBe(403);
  expect(await sns.post(endpoint, message)).toBe(200);
  const stored = (name: string) => [...s3.objects.keys()].some((key) => key.includes(`/results/${name}/`));
  await until(() => stored("by-hand-1"));
  expect(await sns.post(endpoint, message)).toBe(200);
  const later = sns.signer.sign({ TopicArn: sns.topic, Message: Message.replace("hand-1", "hand-2") });
  expect(await sns.post(endpoint, later)).toBe(200);
  await until(() => stored("by-hand-2"));
  expect(await log()).toBe("one\ntwo\ntwo\ntwo\n");
  expect(await machine.on("cat /var/lib/bootlace/state/listener/listener.log")).toContain(
    "again, and not taken: by-hand-1",
  );

  const failed = await deploy("echo no disk >&2; exit 3");
  expect(failed.exit).toBe(1);
  expect(failed.err).toMatch(/E_NOTIFY_FAILED.*failed: web\.update[\s\S]*no disk/);

  await machine.on("bootlace run -s listener --phase destroy --plain");
  expect(sns.subscriptions).toEqual([]);
  expect((await machine.sh("pgrep -f [l]istener.mjs")).exit).toBe(1);
});
