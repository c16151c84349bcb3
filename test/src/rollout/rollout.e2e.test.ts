import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { runCli } from "../../../src/cli/run-cli.ts";
import { openRecords } from "../../../src/image/records/open-records.ts";
import { planGroupBack } from "../../../src/rollout/back.ts";
import { groupWish } from "../../../src/rollout/group-wish.ts";
import type { Event } from "../../../stage2/index.ts";
import { sampleRecord } from "../image/sample-record.ts";
import { gate } from "../machine/ec2/rig.ts";
import { make, notices, RolloutRig } from "./rollout-rig.ts";

let rig: RolloutRig;
beforeAll(async () => {
  rig = await RolloutRig.open();
});
afterEach(() => rig.account.ec2.behave());
afterAll(async () => {
  await rig?.close();
});

/** One command line; answers exit code and output. */
async function cli(dir: string, ...argv: string[]) {
  let [out, err] = ["", ""];
  const sink = (add: (text: string) => void) =>
    new Writable({
      write(chunk, _encoding, done) {
        add(String(chunk));
        done();
      },
    });
  const stdout = sink((text) => {
    out += text;
  });
  const stderr = sink((text) => {
    err += text;
  });
  const exit = await runCli(argv, { cwd: dir, stdout, stderr, signal: new AbortController().signal });
  return { exit, out, err };
}
const lastJson = (text: string) => JSON.parse(text.trim().split("\n").at(-1) ?? "");
const versions = async (name: string) =>
  (await rig.api.describeLaunchTemplateVersions({ LaunchTemplateName: name })).LaunchTemplateVersions ?? [];
const defaultOf = async (name: string) =>
  (await rig.api.describeLaunchTemplates({ LaunchTemplateNames: [name] })).LaunchTemplates?.[0]?.DefaultVersionNumber;

test("rollout to lt: makes a numbered version that differs in its AMI alone, and --plan makes none", async () => {
  const { amis } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const name = await rig.template(amis.root, { KeyName: "ops" });
  const planned = await cli(dir, "rollout", "web", `lt:${name}`, "--default", "--plan");
  expect(planned).toMatchObject({ exit: 0, out: expect.stringContaining(`${amis.root} → ${amis.silent}`) });
  expect(await versions(name)).toHaveLength(1);

  const made = await cli(dir, "rollout", "web", `lt:${name}`, "--json");
  expect(lastJson(made.out)).toMatchObject({ version: 2, made: true, default: 1, changed: true });
  const [newest] = await versions(name);
  expect(newest).toMatchObject({
    VersionNumber: 2,
    VersionDescription: "Bootlace: image web/20261130T101500-3fa9c1 of small, after version 1",
    LaunchTemplateData: { ImageId: amis.silent, InstanceType: "t3.micro", KeyName: "ops" },
  });
  expect(await defaultOf(name)).toBe(1);
  // Once more: it is there, and only the default is left to do.
  expect(lastJson((await cli(dir, "rollout", "web", `lt:${name}`, "--default", "--json")).out)).toMatchObject({
    version: 2,
    made: false,
    default: 2,
  });
  expect(lastJson((await cli(dir, "rollout", "web", `lt:${name}`, "--default", "--json")).out)).toMatchObject({
    changed: false,
  });
  expect(await defaultOf(name)).toBe(2);
});

test("rollout to lt: whose answer is lost makes one version", async () => {
  const dir = await rig.project(rig.account.ec2.amis.silent);
  const name = await rig.template();
  rig.account.ec2.misbehave({ action: "CreateLaunchTemplateVersion", fault: { kind: "mute" } });
  await cli(dir, "rollout", "web", `lt:${name}`);
  expect((await versions(name)).map(({ VersionNumber }) => VersionNumber)).toEqual([2, 1]);
});

test("rollback lt/ goes to the default before, lists, and refuses a version that is not there", async () => {
  const dir = await rig.project(rig.account.ec2.amis.silent);
  const name = await rig.template();
  await cli(dir, "rollout", "web", `lt:${name}`, "--default");
  const list = await cli(dir, "rollback", `lt/${name}`, "--list");
  expect(list.out).toMatch(/^ {5}2 .*web\/20261130T101500-3fa9c1 .*current\n {5}1 /);
  expect(await cli(dir, "rollback", `lt/${name}`, "--to", "7")).toMatchObject({ exit: 2 });
  expect(await cli(dir, "rollback", `lt/${name}`)).toMatchObject({ exit: 0 });
  expect(await defaultOf(name)).toBe(1);
  const none = await cli(dir, "rollback", `lt/${name}`);
  expect(none).toMatchObject({ exit: 2, err: expect.stringContaining("nothing before version 1") });
});

test("rollout to ssm: writes the AMI as aws:ec2:image and keeps what was before; rollback ssm/ writes it again", async () => {
  const { amis } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  await rig.ssm.putParameter({ Name: "/shop/ami", Value: amis.root, Type: "String" });
  expect((await cli(dir, "rollout", "web", "ssm:/shop/ami", "--plan")).out).toContain(`${amis.root} (version 1)`);
  expect(lastJson((await cli(dir, "rollout", "web", "ssm:/shop/ami", "--json")).out)).toMatchObject({ version: 2 });
  const read = async () => (await rig.ssm.getParameter({ Name: "/shop/ami" })).Parameter;
  expect(await read()).toMatchObject({ Value: amis.silent, DataType: "aws:ec2:image", Version: 2 });
  expect(await cli(dir, "rollback", "ssm/shop/ami")).toMatchObject({ exit: 2 });
  expect((await cli(dir, "rollback", "ssm//shop/ami", "--list")).out).toMatch(/^ {5}2 .*current\n {5}1 /);
  expect(await cli(dir, "rollback", "ssm//shop/ami")).toMatchObject({ exit: 0 });
  expect(await read()).toMatchObject({ Value: amis.root, Version: 3 });
});

test.each([
  ["an image that nobody built", {}, "other", "E_IMAGE_UNKNOWN"],
  ["an image of a sandbox", { provider: "sandbox" }, "web", "E_ROLLOUT_IMAGE"],
  ["an image whose region is another one", { region: "us-east-1" }, "web", "E_ROLLOUT_IMAGE"],
])("rollout refuses %s", async (_what, more, image, code) => {
  const { amis } = rig.account.ec2;
  const dir = await rig.project(amis.silent, more);
  const name = await rig.template();
  const refused = await cli(dir, "rollout", image, `lt:${name}`, "--json");
  expect(refused.exit).toBe(2);
  expect(refused.err).toContain(code);
  expect(await versions(name)).toHaveLength(1);
});

test("rollout refuses an AMI of another architecture, one that was not proven, goals that are none", async () => {
  const { amis } = rig.account.ec2;
  const name = await rig.template();
  const arm = await rig.project(amis.debianArm);
  expect(await cli(arm, "rollout", "web", `lt:${name}`)).toMatchObject({
    exit: 2,
    err: expect.stringContaining("is arm64"),
  });
  // Of somebody else's AMI nobody sees the tags.
  const own = { Name: "own", SourceImageId: amis.silent, SourceRegion: "eu-west-1" };
  const { ImageId: copy = "" } = await rig.api.copyImage(own);
  const dir = await rig.project(copy);
  await rig.api.createTags({ Resources: [copy], Tags: [{ Key: "bootlace:state", Value: "building" }] });
  const unproven = await cli(dir, "rollout", "web", `lt:${name}`);
  expect(unproven).toMatchObject({ exit: 2, err: expect.stringContaining("never proven") });
  for (const goal of ["shop", "lt:", "ec2:shop", "asg:nobody", "lt:nobody"])
    expect(await cli(dir, "rollout", "web", goal)).toMatchObject({ exit: 2 });
  expect(await cli(dir, "rollout", "web", `lt:${name}`, "--min-healthy", "50")).toMatchObject({ exit: 2 });
  const byParameter = await rig.template("resolve:ssm:/shop/ami");
  expect((await cli(dir, "rollout", "web", `lt:${byParameter}`)).err).toContain("rollout IMAGE ssm:/shop/ami");
});

test("rollout to asg: replaces the instances, then the group is bound to the new version's number", async () => {
  const { amis } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const group = await rig.group(await rig.template());
  const before = await rig.members(group);
  const plan = await cli(dir, "rollout", "web", `asg:${group}`, "--plan");
  expect(plan.out).toContain("bound to version 1 instead of $Default");
  expect(plan.out).toContain("2 of 2 instances are replaced");
  expect(await rig.members(group)).toEqual(before);

  const events: Event[] = [];
  const options = { minHealthy: 50, checkpoint: "50", checkpointDelay: 0 };
  const made = await make(await rig.planGroup(dir, group, options), events);
  expect(made).toMatchObject({ version: 2, status: "Successful" });
  const after = await rig.members(group);
  expect(after).toMatchObject({ version: "2", versions: ["2", "2"], amis: [amis.silent, amis.silent] });
  expect(after.ids.filter((id) => before.ids.includes(id))).toEqual([]);
  expect(events).toContainEqual(expect.objectContaining({ k: "desk-progress", of: `group ${group}`, total: 100 }));
  expect(rig.account.ec2.calls.find(({ action }) => action === "StartInstanceRefresh")?.input).toMatchObject({
    Preferences: {
      MinHealthyPercentage: 50,
      CheckpointPercentages: [50, 100],
      CheckpointDelay: 0,
      AutoRollback: true,
      SkipMatching: true,
    },
  });
  // Once more: nothing is left to do.
  expect((await rig.planGroup(dir, group)).make).toBeUndefined();

  const apis = { ec2: await rig.clients.ec2(), scaling: await rig.clients.scaling() };
  await make(await planGroupBack(apis, group, HERE, groupWish({ rollback: false })));
  expect(await rig.members(group)).toMatchObject({ version: "1", versions: ["1", "1"] });
});

/** The project's region, and no version in particular. */
const HERE = { at: "" };
const HOOK = { LifecycleHookName: "boot", LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING" } as const;

/** Answers each launch hook of a group as it comes, until all is over. */
function answering(group: string, answer: (ami: string | undefined) => "CONTINUE" | "ABANDON") {
  const stored = () => rig.account.ec2.state.scaling.get(group);
  const timer = setInterval(() => {
    for (const member of stored()?.members ?? [])
      for (const waiting of member.waiting.values())
        waiting.complete(answer(rig.account.ec2.state.instances.get(member.id)?.api.ImageId));
  }, 5);
  return () => clearInterval(timer);
}

test.each([
  ["AWS takes it back by itself when launches fail", 2, { maxFail: 9 }],
  ["the desk takes it back when too many instances are abandoned", 99, { maxFail: 1 }],
])("rollout to asg: of an image whose instances are abandoned is rolled back: %s", async (_who, failures, options) => {
  const { amis, patience, calls } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const template = await rig.template();
  const end = answering("", () => "CONTINUE");
  end();
  const name = `group-${process.pid}-bad-${failures}`;
  const stop = answering(name, (ami) => (ami === amis.silent ? "ABANDON" : "CONTINUE"));
  await rig.scaling.createAutoScalingGroup({
    AutoScalingGroupName: name,
    MinSize: 2,
    MaxSize: 2,
    LaunchTemplate: { LaunchTemplateName: template, Version: "1" },
    VPCZoneIdentifier: rig.account.ec2.subnets.public,
    LifecycleHookSpecificationList: [HOOK],
  });
  await rig.idle(name);
  patience.failures = failures;
  const asked = calls.length;
  // Asked again at the next look: the first call is not heard.
  rig.account.ec2.misbehave({
    action: "RollbackInstanceRefresh",
    fault: { kind: "error", code: "ActiveInstanceRefreshNotFound" },
  });
  const events: Event[] = [];
  await expect(make(await rig.planGroup(dir, name, options), events)).rejects.toMatchObject({
    code: "E_ROLLOUT_FAILED",
    message: expect.stringMatching(/was rolled back/),
  });
  stop();
  patience.failures = 3;
  expect(notices(events).filter((text) => /Lifecycle Action Completed with ABANDON/.test(text)).length).toBeGreaterThan(
    1,
  );
  const taken = calls.slice(asked).filter(({ action, error }) => action === "RollbackInstanceRefresh" && !error);
  expect(taken).toHaveLength(failures === 99 ? 1 : 0);
  expect(notices(events).filter((text) => /the refresh is taken back/.test(text))).toHaveLength(taken.length);
  expect(await rig.members(name)).toMatchObject({ version: "1", versions: ["1", "1"] });
});

test("Ctrl-C leaves the refresh running and says how to go on; another rollout is refused, the same one follows it", async () => {
  const { amis, state } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const group = await rig.group(await rig.template());
  await rig.scaling.putLifecycleHook({ AutoScalingGroupName: group, ...HOOK, HeartbeatTimeout: 3600 });
  const interrupt = new AbortController();
  const events: Event[] = [];
  const held = gate();
  const change = await rig.planGroup(dir, group);
  const report = (event: Event) => {
    events.push(event);
    if (event.k === "desk-progress") held.resolve();
  };
  const made = change.make?.({ report, signal: interrupt.signal, every: 20 });
  await held.promise;
  interrupt.abort("SIGINT");
  await expect(made).rejects.toMatchObject({ name: "AbortError" });
  expect(notices(events).at(-1)).toMatch(
    new RegExp(
      `goes on without this desk. Follow it: bootlace rollout web/\\S+ asg:${group}. Take it back: bootlace rollback asg/${group}`,
    ),
  );
  expect(state.scaling.get(group)?.refreshes[0]?.api.Status).toBe("InProgress");

  await rig.image(dir, amis.debian, { id: "20261130T111500-3fa9c2" });
  await expect(rig.planGroup(dir, group)).rejects.toMatchObject({ code: "E_ROLLOUT_BUSY" });
  const stop = answering(group, () => "CONTINUE");
  const again = await rig.planGroup(dir, group, {}, "web/20261130T101500-3fa9c1");
  expect(await make(again)).toMatchObject({ status: "Successful" });
  stop();
  expect(await rig.members(group)).toMatchObject({ version: "2", versions: ["2", "2"] });
});

test("rollback asg/ takes a refresh back that is under way; --no-wait begins and leaves", async () => {
  const { amis } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const group = await rig.group(await rig.template());
  await rig.scaling.putLifecycleHook({ AutoScalingGroupName: group, ...HOOK, HeartbeatTimeout: 3600 });
  const begun = await cli(dir, "rollout", "web", `asg:${group}`, "--no-wait");
  expect(begun).toMatchObject({ exit: 0, out: expect.stringContaining(`bootlace rollback asg/${group}`) });
  const stop = answering(group, () => "CONTINUE");
  const apis = { ec2: await rig.clients.ec2(), scaling: await rig.clients.scaling() };
  // The first instance may be there before it is asked; all of them are not.
  const back = await planGroupBack(apis, group, HERE, groupWish({ rollback: false }));
  await make(back);
  stop();
  expect(await rig.members(group)).toMatchObject({ version: "1", versions: ["1", "1"] });
});

test("rollout to asg: whose answer is lost follows the refresh that it began; a denial names the right", async () => {
  const { amis, state } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const group = await rig.group(await rig.template());
  rig.account.ec2.misbehave({ action: "StartInstanceRefresh", fault: { kind: "denied" } });
  await expect(make(await rig.planGroup(dir, group))).rejects.toMatchObject({
    code: "E_AWS_DENIED",
    message: expect.stringContaining("autoscaling:StartInstanceRefresh"),
  });
  // What was made before is used again.
  rig.account.ec2.misbehave({ action: "StartInstanceRefresh", fault: { kind: "mute" } });
  expect(await make(await rig.planGroup(dir, group))).toMatchObject({ version: 2, status: "Successful" });
  expect(state.scaling.get(group)?.refreshes).toHaveLength(1);
});

test("rollback asg/ of a group that a failed refresh left with two versions goes to the group's own", async () => {
  const { amis, patience } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const template = await rig.template();
  await rig.api.createLaunchTemplateVersion({
    LaunchTemplateName: template,
    SourceVersion: "1",
    LaunchTemplateData: { ImageId: amis.debian },
  });
  const group = await rig.group(template, { version: "2" });
  await rig.scaling.putLifecycleHook({ AutoScalingGroupName: group, ...HOOK, HeartbeatTimeout: 3600 });
  // The first new instance is good, all others of that image are not.
  let good = "";
  const stored = rig.account.ec2.state.scaling.get(group);
  const timer = setInterval(() => {
    for (const { id, waiting } of stored?.members ?? [])
      for (const action of waiting.values()) {
        const isNew = rig.account.ec2.state.instances.get(id)?.api.ImageId === amis.silent;
        if (isNew && good === "") good = id;
        action.complete(isNew && id !== good ? "ABANDON" : "CONTINUE");
      }
  }, 5);
  patience.failures = 1;
  await expect(make(await rig.planGroup(dir, group, { rollback: false }))).rejects.toMatchObject({
    code: "E_ROLLOUT_FAILED",
    hint: expect.stringContaining(`bootlace rollback asg/${group}`),
  });
  patience.failures = 3;
  const left = await rig.members(group);
  expect(left.version).toBe("2");
  expect([...left.versions].sort()).toEqual(["2", "3"]);

  const apis = { ec2: await rig.clients.ec2(), scaling: await rig.clients.scaling() };
  const wish = groupWish({ rollback: false });
  expect((await planGroupBack(apis, group, { ...HERE, to: 2 }, wish)).facts).toMatchObject({ version: 2 });
  expect((await planGroupBack(apis, group, { ...HERE, to: 1 }, wish)).facts).toMatchObject({ version: 1 });
  const back = await planGroupBack(apis, group, HERE, wish);
  expect(back.lines).toContain("1 of 2 instances are replaced");
  expect(await make(back)).toMatchObject({ status: "Successful" });
  clearInterval(timer);
  expect(await rig.members(group)).toMatchObject({ version: "2", versions: ["2", "2"] });
  // All are alike again: the version before is meant.
  expect((await planGroupBack(apis, group, HERE, wish)).facts).toMatchObject({ before: 2, version: 1 });
  await expect(planGroupBack(apis, group, { ...HERE, to: 2 }, wish)).rejects.toMatchObject({ code: "E_ROLLBACK" });
});

test("rollout to asg: binds a group on $Latest before it makes the version that $Latest would be", async () => {
  const { amis, calls } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const group = await rig.group(await rig.template(), { version: "$Latest" });
  const asked = calls.length;
  // A desk that comes no further: what the group launches meanwhile is of the version of before.
  rig.account.ec2.misbehave({ action: "CreateLaunchTemplateVersion", fault: { kind: "denied" } });
  await expect(make(await rig.planGroup(dir, group))).rejects.toMatchObject({ code: "E_AWS_DENIED" });
  expect(await rig.members(group)).toMatchObject({ version: "1", versions: ["1", "1"] });
  expect(await make(await rig.planGroup(dir, group))).toMatchObject({ version: 2, status: "Successful" });
  const changes = /^(UpdateAutoScalingGroup|CreateLaunchTemplateVersion|StartInstanceRefresh)$/;
  const made = calls.slice(asked).filter(({ action, error }) => changes.test(action) && !error);
  expect(made.map(({ action }) => action)).toEqual([
    "UpdateAutoScalingGroup",
    "CreateLaunchTemplateVersion",
    "StartInstanceRefresh",
  ]);
});

test.each([
  ["--region, which is not the project's", true, true],
  ["AWS_REGION where the project has none", false, false],
])(
  "rollout and rollback act in the same region, and so do the commands that they print: %s",
  async (_what, ofProject, byOption) => {
    const { amis, region } = rig.account.ec2;
    const dir = await rig.project(amis.silent);
    const usual = ofProject ? "region: us-east-1" : "";
    const file = join(dir, "bootlace.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(`region: ${region}`, usual));
    // A copy at home elsewhere: the image's own region is none that was asked for.
    const id = "20261130T121500-3fa9c3";
    const origin = { ami: "ami-0123456789abcdef0", region: "us-east-1", login: "root" };
    const copies = [{ region, origin: { ami: amis.silent, region } }];
    await (await openRecords(dir)).add(sampleRecord("web", id, { origin, layers: [], copies }));
    const group = await rig.group(await rig.template());
    await rig.scaling.putLifecycleHook({ AutoScalingGroupName: group, ...HOOK, HeartbeatTimeout: 3600 });
    const option = byOption ? ["--region", region] : [];
    const begun = await cli(dir, "rollout", "web", `asg:${group}`, "--no-wait", ...option);
    expect(begun.exit).toBe(0);
    const [, followed = "", back = ""] =
      /Follow it: bootlace (.+?)\. Take it back: bootlace (.+)\n/.exec(begun.out) ?? [];
    for (const command of [followed, back]) expect(command).toMatch(new RegExp(` --region ${region}$`));
    const another = await cli(dir, "rollback", `asg/${group}`, "--to", "1", ...option);
    expect(another.err).toContain(back);
    const stop = answering(group, () => "CONTINUE");
    // As it was printed, on a desk whose SDK finds another region.
    const found = process.env.AWS_REGION;
    process.env.AWS_REGION = "eu-central-1";
    const taken = await cli(dir, ...back.split(" "));
    if (found === undefined) delete process.env.AWS_REGION;
    else process.env.AWS_REGION = found;
    stop();
    expect(taken).toMatchObject({ exit: 0 });
    const none = await cli(dir, "rollback", `asg/${group}`, "--to", "7", ...option);
    expect(none.err).toContain(`--list --region ${region}`);
  },
);

test("rollback asg/ does not take back a refresh that somebody began after it was shown another one", async () => {
  const { amis, state } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const group = await rig.group(await rig.template());
  const apis = { ec2: await rig.clients.ec2(), scaling: await rig.clients.scaling() };
  const change = await rig.planGroup(dir, group, { wait: false });
  await rig.scaling.putLifecycleHook({ AutoScalingGroupName: group, ...HOOK, HeartbeatTimeout: 3600 });
  const first = await make(change);
  const back = await planGroupBack(apis, group, HERE, groupWish({ rollback: false }));
  expect(back.facts).toMatchObject({ refresh: first?.refresh });
  const stop = answering(group, () => "CONTINUE");
  await rig.scaling.cancelInstanceRefresh({ AutoScalingGroupName: group });
  await rig.idle(group);
  stop();
  const second = await make(change);
  await expect(make(back)).rejects.toMatchObject({ code: "E_ROLLOUT_BUSY" });
  expect(state.scaling.get(group)?.refreshes[0]).toMatchObject({
    asked: "go on",
    api: { InstanceRefreshId: second?.refresh },
  });
  const stopAgain = answering(group, () => "CONTINUE");
  await rig.idle(group);
  stopAgain();
});

test("rollback refuses a version whose AMI is gone before anything is changed", async () => {
  const { amis, calls } = rig.account.ec2;
  const own = { Name: "removed", SourceImageId: amis.silent, SourceRegion: "eu-west-1" };
  const { ImageId: removed = "" } = await rig.api.copyImage(own);
  const template = await rig.template(removed);
  await rig.api.createLaunchTemplateVersion({
    LaunchTemplateName: template,
    SourceVersion: "1",
    LaunchTemplateData: { ImageId: amis.root },
  });
  await rig.api.modifyLaunchTemplate({ LaunchTemplateName: template, DefaultVersion: "2" });
  const group = await rig.group(template, { version: "2" });
  await rig.api.deregisterImage({ ImageId: removed });
  const dir = await rig.project(amis.silent);
  const asked = calls.length;
  for (const stand of [`lt/${template}`, `asg/${group}`]) {
    const refused = await cli(dir, "rollback", stand);
    expect(refused).toMatchObject({ exit: 2, err: expect.stringContaining(`has ${removed}, which is gone`) });
    expect(refused.err).toContain(`bootlace rollback ${stand} --list`);
  }
  expect(calls.slice(asked).filter(({ action }) => !action.startsWith("Describe"))).toEqual([]);
});

test("rollout of a NAME with good images of two architectures asks for one, and takes the newest of --arch", async () => {
  const { amis } = rig.account.ec2;
  const dir = await rig.project(amis.silent);
  const origin = { ami: amis.debianArm, region: "eu-west-1", login: "root" };
  const arm = { origin, layers: [], copies: [], arch: "arm64" };
  await (await openRecords(dir)).add(sampleRecord("web", "20261130T121500-3fa9c3", arm));
  const goal = `lt:${await rig.template()}`;
  const refused = await cli(dir, "rollout", "web", goal, "--plan");
  expect(refused).toMatchObject({ exit: 2, err: expect.stringContaining("web/20261130T101500-3fa9c1 (x86_64)") });
  for (const which of [["web", "--arch", "x86_64"], ["web/20261130T101500-3fa9c1"]])
    expect((await cli(dir, "rollout", ...which, goal, "--plan")).out).toContain(amis.silent);
});
