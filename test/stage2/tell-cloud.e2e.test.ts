import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Imds } from "../../stage2/rim/cloud/imds.ts";
import { tellCloud } from "../../stage2/rim/cloud/tell-cloud.ts";
import type { Event } from "../../stage2/types/event.ts";
import type { BootTelling } from "../../stage2/types/service.ts";
import { RolloutRig } from "../src/rollout/rollout-rig.ts";
import { until } from "../support/until.ts";

let rig: RolloutRig;
let template: string;
beforeAll(async () => {
  rig = await RolloutRig.open();
  await made();
  template = await rig.template(rig.account.ec2.amis.root, {
    IamInstanceProfile: { Name: "web" },
    MetadataOptions: { HttpTokens: "required", InstanceMetadataTags: "enabled" },
  });
});
afterEach(() => {
  rig.account.ec2.behave();
  delete process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
});
afterAll(async () => {
  await rig?.close();
});

const TELLING: BootTelling = { lifecycleHook: "boot", logGroup: "/shop/boot", stateTag: true };
const HOOK = {
  LifecycleHookName: "boot",
  LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
  HeartbeatTimeout: 3600,
} as const;

/** A metadata service in front of the instance's own that gives `fault` the say first; undefined: as it is. */
async function imdsBefore(fault: (method: string, path: string) => number | undefined) {
  const behind = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  const server = createServer((asked, answer) => {
    const status = fault(asked.method ?? "", asked.url ?? "");
    if (status !== undefined) return void answer.writeHead(status).end();
    const given = asked.headers as Record<string, string>;
    const headers = Object.fromEntries(Object.entries(given).filter(([name]) => name.startsWith("x-aws-")));
    const sent = fetch(`${behind}${asked.url}`, { method: asked.method ?? "GET", headers });
    void sent.then(async (came) => answer.writeHead(came.status).end(await came.text()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return () => server.close();
}

async function made(): Promise<void> {
  rig.account.ec2.state.logs.set("/shop/boot", new Map());
}

let count = 0;
/** A group of one whose instance this process plays: what its boot would find, it finds. */
async function instance() {
  count += 1;
  const name = `told-${process.pid}-${count}`;
  await rig.scaling.createAutoScalingGroup({
    AutoScalingGroupName: name,
    MinSize: 0,
    MaxSize: 1,
    DesiredCapacity: 1,
    LaunchTemplate: { LaunchTemplateName: template, Version: "1" },
    VPCZoneIdentifier: rig.account.ec2.subnets.public,
    LifecycleHookSpecificationList: [HOOK],
  });
  const group = rig.account.ec2.state.scaling.get(name);
  await until(() => group?.members.length === 1);
  const [member] = group?.members ?? [];
  const id = member?.id ?? "";
  const { endpoint, region } = rig.account.ec2;
  process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = `${endpoint}/imds/${region}/${id}`;
  const notices: string[] = [];
  const tell = (telling = TELLING, first = true) =>
    tellCloud({ telling, first, notice: (level, code, message) => notices.push(`${level} ${code} ${message}`) });
  const tags = () =>
    Object.fromEntries(rig.account.ec2.state.tags.of(id).map(({ Key = "", Value = "" }) => [Key, Value]));
  return { id, name, group, member, notices, tell, tags };
}

const events: readonly Event[] = [
  { t: 1_790_000_000_000, k: "start", step: "web.update", try: 1, why: "boot" },
  { t: 1_790_000_000_001, k: "output", step: "web.update", text: "what an application prints\n" },
  { t: 1_790_000_000_002, k: "done", step: "web.update", ms: 1 },
];
const actions = (id: string) =>
  rig.account.ec2.calls.flatMap(({ action, input, error }) =>
    input.InstanceId === id && !error
      ? [action + (input.LifecycleActionResult ? ` ${input.LifecycleActionResult}` : "")]
      : [],
  );

test("a boot that went well completes the launch hook with CONTINUE, also where it is done before the hook waits", async () => {
  const { id, member, group, notices, tell, tags } = await instance();
  const teller = tell();
  for (const event of events) teller?.event(event);
  expect(member?.state).toBe("Pending");
  await teller?.end("done");
  await group?.work;
  expect(member?.state).toBe("InService");
  expect(actions(id)).toContain("CompleteLifecycleAction CONTINUE");
  expect(tags()).toMatchObject({ "bootlace:state": "good" });
  expect(notices).toEqual(["info W_LIFECYCLE The launch hook boot was told CONTINUE"]);
  const lines = rig.account.ec2.state.logs
    .get("/shop/boot")
    ?.get(id)
    ?.map(({ message }) => JSON.parse(message).k);
  expect(lines).toEqual(["start", "done"]);
  // The next boot of an instance that serves.
  notices.length = 0;
  const again = tell(TELLING, false);
  await again?.end("degraded");
  expect(tags()).toMatchObject({ "bootlace:state": "degraded" });
  expect(notices).toEqual(["info W_LIFECYCLE The launch hook boot is not waiting for this instance"]);
});

test("a boot that failed completes it with ABANDON, after its events and its state were told", async () => {
  const { id, group, tell } = await instance();
  await until(() => group?.members[0]?.state === "Pending:Wait");
  const teller = tell();
  for (const event of events) teller?.event(event);
  await until(() => actions(id).includes("RecordLifecycleActionHeartbeat"));
  // No other instance for this one.
  await rig.scaling.updateAutoScalingGroup({ AutoScalingGroupName: group?.name, DesiredCapacity: 0 });
  await teller?.end("failed");
  await group?.work;
  const order = rig.account.ec2.calls.map(({ action }) => action);
  expect(order.lastIndexOf("PutLogEvents")).toBeLessThan(order.lastIndexOf("CompleteLifecycleAction"));
  expect(order.lastIndexOf("CreateTags")).toBeLessThan(order.lastIndexOf("CompleteLifecycleAction"));
  expect(actions(id)).toContain("CompleteLifecycleAction ABANDON");
  expect(rig.account.ec2.state.instances.get(id)?.api.State?.Name).toBe("terminated");
});

test("what the role may not do, or what is not there, is a notice; credentials that ran out are asked for again", async () => {
  const { group, member, notices, tell } = await instance();
  await until(() => group?.members[0]?.state === "Pending:Wait");
  const { ec2 } = rig.account;
  ec2.misbehave({ action: "CreateTags", fault: { kind: "denied" } });
  ec2.misbehave({ action: "CompleteLifecycleAction", fault: { kind: "expired" } });
  ec2.misbehave({ action: "CompleteLifecycleAction", fault: { kind: "throttle" } });
  const teller = tell({ ...TELLING, logGroup: "/not/there" });
  for (const event of events) teller?.event(event);
  await teller?.end("done");
  await group?.work;
  expect(member?.state).toBe("InService");
  expect(notices.sort()).toEqual([
    "info W_LIFECYCLE The launch hook boot was told CONTINUE",
    expect.stringMatching(
      /^warning W_BOOT_LOG .*\/not\/there does not have all of this boot: ResourceNotFoundException/,
    ),
    expect.stringMatching(/^warning W_STATE_TAG .*could not be set to good: UnauthorizedOperation/),
  ]);
  ec2.misbehave({ action: "CompleteLifecycleAction", fault: { kind: "denied" } });
  notices.length = 0;
  await tell({ lifecycleHook: "boot" })?.end("done");
  expect(notices).toEqual([expect.stringMatching(/^warning W_LIFECYCLE .*could not be told CONTINUE: AccessDenied/)]);
});

test("an interrupted run, and one that goes on after a reboot, complete nothing; an instance of no group has no hook", async () => {
  const { id, group, member, notices, tell, tags } = await instance();
  await until(() => group?.members[0]?.state === "Pending:Wait");
  await tell()?.end("interrupted");
  await tell()?.end("reboot");
  await tell()?.end(undefined);
  expect(member?.state).toBe("Pending:Wait");
  expect(actions(id).filter((action) => action.startsWith("Complete"))).toEqual([]);
  expect(tags()).not.toHaveProperty("bootlace:state");
  const { Instances } = await rig.api.runInstances({
    MinCount: 1,
    MaxCount: 1,
    LaunchTemplate: { LaunchTemplateName: template },
  });
  const { endpoint, region } = rig.account.ec2;
  process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = `${endpoint}/imds/${region}/${Instances?.[0]?.InstanceId}`;
  await tell({ lifecycleHook: "boot" })?.end("done");
  expect(notices).toEqual([]);
});

test("a metadata service that does not answer is a notice", async () => {
  process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:9";
  const notices: string[] = [];
  const parts = { telling: { stateTag: true }, first: true, within: 0 } as const;
  await tellCloud({ ...parts, notice: (_level, code, message) => notices.push(`${code} ${message}`) })?.end("done");
  expect(notices).toEqual([expect.stringMatching(/^W_STATE_TAG AWS was not told of this boot: .*ECONNREFUSED/)]);
});

test("a role that comes later than its instance, and a metadata service that answers late, keep no hook from being told", async () => {
  const { group, member, notices, tell } = await instance();
  await until(() => group?.members[0]?.state === "Pending:Wait");
  const asked = { token: 0, role: 0 };
  const close = await imdsBefore((method, path) => {
    if (method === "PUT") asked.token += 1;
    if (path.endsWith("/security-credentials/")) asked.role += 1;
    return method === "PUT" && asked.token <= 2 ? 503 : path.includes("/iam/") && asked.role <= 1 ? 404 : undefined;
  });
  await tell({ lifecycleHook: "boot" })?.end("done");
  close();
  await group?.work;
  expect(asked.role).toBeGreaterThan(1);
  expect(notices).toEqual(["info W_LIFECYCLE The launch hook boot was told CONTINUE"]);
  expect(member?.state).toBe("InService");
});

test("an instance that is on its way into a group whose name it cannot see says so", async () => {
  const { group, notices, tell } = await instance();
  await until(() => group?.members[0]?.state === "Pending:Wait");
  const close = await imdsBefore((_method, path) => (path.includes("/tags/") ? 404 : undefined));
  await tell({ lifecycleHook: "boot" })?.end("done");
  close();
  expect(notices).toEqual([expect.stringMatching(/^warning W_LIFECYCLE .*InstanceMetadataTags=enabled/)]);
});

test("get() of the metadata service asks for a token again after it got none", async () => {
  const { id, group } = await instance();
  await until(() => group?.members[0]?.state === "Pending:Wait");
  let asked = 0;
  const close = await imdsBefore((method) => {
    asked += method === "PUT" ? 1 : 0;
    return method === "PUT" && asked === 1 ? 503 : undefined;
  });
  const imds = new Imds();
  await expect(imds.get("instance-id")).rejects.toThrow("gave no token (HTTP 503)");
  expect(await imds.get("instance-id")).toBe(id);
  close();
});
