import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findImage } from "../../../src/image/find-image.ts";
import { buildImage } from "../../../src/recipe/build/build-image.ts";
import type { Event } from "../../../stage2/index.ts";
import { makeProject } from "../../support/small-project.ts";
import { until } from "../../support/until.ts";
import { make, notices, RolloutRig } from "./rollout-rig.ts";

let rig: RolloutRig;
beforeAll(async () => {
  rig = await RolloutRig.open();
});
afterAll(async () => {
  await rig?.close();
});

const PROJECT = `name: small
runtime: system
region: eu-west-1
services: [web]
boot: {lifecycleHook: boot, logGroup: /small/boot, stateTag: true}
images:
  web:
    on: ec2
    from: {name: "debian-12-amd64-*", owner: "136693071363"}
    ec2: {type: [t3.small], openTo: 127.0.0.1/32}
`;
const service = (update: string) => `description: Web\nupdate: |\n  ${update}\n`;
const HOOK = {
  LifecycleHookName: "boot",
  LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
  HeartbeatTimeout: 3600,
} as const;

test("images go from a build to a group whose instances are taken by what their boot says; a bad one comes back", async () => {
  const { ec2, provider } = rig.account;
  ec2.state.logs.set("/small/boot", new Map());
  const dir = await makeProject({ "bootlace.yaml": PROJECT, "services/web/service.yaml": service("echo one") });
  const build = async (update: string): Promise<string> => {
    writeFileSync(join(dir, "services/web/service.yaml"), service(update));
    const signal = new AbortController().signal;
    await buildImage({ dir, image: "web", provider, report: () => {}, signal });
    return (await findImage(dir, "web"))?.origin.ami ?? "";
  };
  const [first, template] = [await build("echo one"), await rig.template(ec2.amis.debian)];
  await rig.api.createLaunchTemplateVersion({
    LaunchTemplateName: template,
    SourceVersion: "1",
    LaunchTemplateData: {
      ImageId: first,
      IamInstanceProfile: { Name: "web" },
      MetadataOptions: { HttpTokens: "required", InstanceMetadataTags: "enabled" },
    },
  });
  // Nobody answers the hook but the boot itself.
  const group = await rig.group(template, { version: "2", hooks: [HOOK] });
  const before = await rig.members(group);
  expect(before).toMatchObject({ versions: ["2", "2"], amis: [first, first] });
  const stateOf = (id: string) => ec2.state.tags.of(id).find(({ Key }) => Key === "bootlace:state")?.Value;
  // Told beside the hook.
  await until(() => before.ids.every((id) => stateOf(id) === "good"));

  const second = await build("echo two");
  expect(await make(await rig.planGroup(dir, group))).toMatchObject({ version: 3, status: "Successful" });
  const after = await rig.members(group);
  expect(after).toMatchObject({ version: "3", versions: ["3", "3"], amis: [second, second] });
  const linesOf = (id: string) => ec2.state.logs.get("/small/boot")?.get(id) ?? [];
  await until(() => linesOf(after.ids[0] ?? "").length === 4);
  const told = linesOf(after.ids[0] ?? "");
  expect(told.map(({ message }) => JSON.parse(message).k)).toEqual(["open", "start", "done", "close"]);

  // The smoke test lets it pass; in the group its update fails.
  const third = await build("grep -q purpose=smoke /run/bootlace/seed");
  const events: Event[] = [];
  await expect(make(await rig.planGroup(dir, group), events)).rejects.toMatchObject({
    code: "E_ROLLOUT_FAILED",
    message: expect.stringContaining("was rolled back"),
  });
  expect(notices(events).join("\n")).toContain("Lifecycle Action Completed with ABANDON Result");
  const back = await rig.members(group);
  expect(back).toMatchObject({ version: "3", versions: ["3", "3"], amis: [second, second] });
  const failed = [...ec2.state.instances.values()].find(
    ({ id, api }) => api.ImageId === third && stateOf(id) === "failed",
  );
  expect(failed?.api.State?.Name).toBe("terminated");
  expect(linesOf(failed?.id ?? "").map(({ message }) => JSON.parse(message))).toContainEqual(
    expect.objectContaining({ k: "fail", step: "web.update", reason: expect.stringMatching(/^exit=/) }),
  );
});
