import { AutoScaling, type LifecycleHookSpecification } from "@aws-sdk/client-auto-scaling";
import { SSM } from "@aws-sdk/client-ssm";
import { openRecords } from "../../../src/image/records/open-records.ts";
import type { Origin } from "../../../src/machine/machine.ts";
import type { Change } from "../../../src/rollout/change.ts";
import { clientsOf } from "../../../src/rollout/clients.ts";
import { groupWish } from "../../../src/rollout/group-wish.ts";
import { rolledImage } from "../../../src/rollout/rolled-image.ts";
import { planGroup } from "../../../src/rollout/to-group.ts";
import type { Event } from "../../../stage2/index.ts";
import { clientOf } from "../../support/ec2/desk.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";
import { sampleRecord } from "../image/sample-record.ts";
import { type Ec2Rig, openEc2Rig } from "../machine/ec2/rig.ts";

/** An account with templates and groups, and a project with images that somebody has built. */
export class RolloutRig {
  readonly account: Ec2Rig;
  readonly api;
  readonly scaling: AutoScaling;
  readonly ssm: SSM;
  readonly clients;
  #count = 0;

  private constructor(account: Ec2Rig) {
    this.account = account;
    this.api = clientOf(account.ec2);
    const given = {
      endpoint: account.ec2.endpoint,
      region: account.ec2.region,
      credentials: { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" },
      maxAttempts: 1,
    };
    this.scaling = new AutoScaling(given);
    this.ssm = new SSM(given);
    this.clients = clientsOf(account.ec2.region);
  }

  static async open(): Promise<RolloutRig> {
    return new RolloutRig(await openEc2Rig());
  }

  /** A project whose image `web` is an AMI. @returns its folder. */
  async project(
    ami: string,
    more: { readonly id?: string; readonly region?: string; readonly provider?: string } = {},
  ) {
    const dir = await makeProject({
      ...SMALL,
      "bootlace.yaml": `${SMALL["bootlace.yaml"]}region: eu-west-1\n`,
    });
    await this.image(dir, ami, more);
    return dir;
  }

  async image(
    dir: string,
    ami: string,
    { id = "20261130T101500-3fa9c1", region = "eu-west-1", provider = "ec2" } = {},
  ): Promise<void> {
    const isAmi = provider === "ec2";
    const origin: Origin = isAmi ? { ami, region, login: "root" } : { root: "/" };
    const layers = isAmi ? [] : [{ digest: "d", bytes: 1, file: "web/layer.tar" }];
    await (await openRecords(dir)).add(sampleRecord("web", id, { provider, origin, layers, copies: [] }));
  }

  /** @returns its name. */
  async template(ami = this.account.ec2.amis.root, more: object = {}): Promise<string> {
    this.#count += 1;
    const name = `shop-${process.pid}-${this.#count}`;
    await this.api.createLaunchTemplate({
      LaunchTemplateName: name,
      LaunchTemplateData: { ImageId: ami, InstanceType: "t3.micro", ...more },
    });
    return name;
  }

  /** A group of two that is in service. @returns its name. */
  async group(
    template: string,
    { version = "$Default", size = 2, hooks = [] as LifecycleHookSpecification[] } = {},
  ): Promise<string> {
    this.#count += 1;
    const name = `group-${process.pid}-${this.#count}`;
    await this.scaling.createAutoScalingGroup({
      AutoScalingGroupName: name,
      MinSize: size,
      MaxSize: size + 1,
      LaunchTemplate: { LaunchTemplateName: template, Version: version },
      VPCZoneIdentifier: this.account.ec2.subnets.public,
      ...(hooks.length > 0 && { LifecycleHookSpecificationList: hooks }),
    });
    await this.idle(name);
    return name;
  }

  /** When nothing is under way in a group any more. */
  async idle(group: string): Promise<void> {
    const stored = this.account.ec2.state.scaling.get(group);
    for (let work: unknown; work !== stored?.work; ) {
      work = stored?.work;
      await work;
    }
  }

  /** Versions that a group's instances were made from, and the AMIs. */
  async members(group: string) {
    const { AutoScalingGroups = [] } = await this.scaling.describeAutoScalingGroups({ AutoScalingGroupNames: [group] });
    const [found] = AutoScalingGroups;
    const instances = found?.Instances ?? [];
    return {
      version: found?.LaunchTemplate?.Version,
      versions: instances.map(({ LaunchTemplate }) => LaunchTemplate?.Version),
      ids: instances.map(({ InstanceId = "" }) => InstanceId),
      amis: instances.map(({ InstanceId = "" }) => this.account.ec2.state.instances.get(InstanceId)?.api.ImageId),
    };
  }

  async planGroup(dir: string, group: string, options: Readonly<Record<string, unknown>> = {}, image = "web") {
    const rolled = await rolledImage(dir, { name: "small", region: "eu-west-1" }, image, "eu-west-1");
    const apis = { ec2: await this.clients.ec2(), scaling: await this.clients.scaling() };
    return planGroup(apis, group, rolled, groupWish(options));
  }

  async close(): Promise<void> {
    for (const client of [this.api, this.scaling, this.ssm]) client.destroy();
    await this.account.close();
  }
}

/** Makes a change and keeps what was told of it. */
export async function make(change: Change, events: Event[] = [], signal = new AbortController().signal) {
  return change.make?.({ report: (event) => events.push(event), signal, every: 20 });
}

/** Messages of notices. */
export const notices = (events: readonly Event[]): string[] =>
  events.flatMap((event) => (event.k === "notice" ? [event.message] : []));
