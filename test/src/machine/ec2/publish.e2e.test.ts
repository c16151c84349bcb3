import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../../../src/cli/run-cli.ts";
import { findImage } from "../../../../src/image/find-image.ts";
import type { ImageRecord } from "../../../../src/image/image-record.ts";
import { openRecords } from "../../../../src/image/records/open-records.ts";
import { copyTags, TAG, tagOf } from "../../../../src/machine/ec2/tags.ts";
import { removeFolder } from "../../../../src/machine/machine-folder.ts";
import { publishImage } from "../../../../src/recipe/build/publish-image.ts";
import { findGarbage, removeGarbage } from "../../../../src/recipe/collect-garbage.ts";
import type { Event } from "../../../../stage2/index.ts";
import { ACCOUNT } from "../../../support/ec2/state.ts";
import { type Ec2Rig, openEc2Rig } from "./rig.ts";

const OTHER = "999988887777";
const KEY = "arn:aws:kms:us-east-1:111122223333:key/one";
const YAML = (more: string) => `name: small
runtime: system
region: eu-west-1
services: [base]
images:
  base:
    on: ec2
    from: {name: "debian-12-a*", owner: "136693071363"}
    arch: [x86_64, arm64]
    ec2: {openTo: 127.0.0.1/32${more}}
`;
const OFFERED = `, share: {accounts: ["${OTHER}"]}, deprecateAfter: 48h, protect: true`;

let rig: Ec2Rig;
let dir: string;
beforeAll(async () => {
  rig = await openEc2Rig();
  dir = await mkdtemp(join(tmpdir(), "bootlace-publish-"));
  await mkdir(join(dir, "services/base"), { recursive: true });
  await writeFile(join(dir, "services/base/service.yaml"), "description: Base\ninit: |\n  echo base >>/srv/log\n");
});
afterEach(() => rig.ec2.behave());
afterAll(async () => {
  await rig?.close();
  await removeFolder(dir);
});
const configure = (more: string) => writeFile(join(dir, "bootlace.yaml"), YAML(more));

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
async function bootlace(...words: string[]) {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const parts = { cwd: dir, stdout, stderr, signal: new AbortController().signal } as Parameters<typeof runCli>[1];
  const exit = await runCli(words, parts);
  return { exit, out: stdout.text, err: stderr.text };
}
const built = async (): Promise<ImageRecord> => {
  const image = await findImage(dir, "base");
  if (!image) throw new Error("base was not built");
  return image;
};
const events: Event[] = [];
const publish = async () =>
  publishImage(await built(), {
    dir,
    provider: rig.provider,
    report: (event) => events.push(event),
    signal: new AbortController().signal,
  });
const regionOf = (name: string) => {
  const region = rig.ec2.regions.get(name);
  if (!region) throw new Error(`no region ${name}`);
  return region;
};
const amisIn = (region: string) => [...regionOf(region).images.values()].filter(({ api }) => api.OwnerId === ACCOUNT);

test("build makes one AMI for each architecture from one recipe, prints their ids alone, and writes a manifest", async () => {
  await configure("");
  const file = join(dir, "manifest.json");
  const { exit, out, err } = await bootlace("build", "base", "-o", "id", "--manifest", file);
  expect(err).toContain("base (arm64)  | ");
  expect([exit, err.match(/^image base\/.*\((?:x86_64|arm64)\), ami-/gm)?.length]).toEqual([0, 2]);
  const ids = out.trim().split("\n");
  expect(ids.map((id) => rig.ec2.state.images.get(id)?.api.Architecture)).toEqual(["x86_64", "arm64"]);
  const { images } = JSON.parse(readFileSync(file, "utf8"));
  expect(images).toMatchObject([
    { name: "base", arch: "x86_64", is: ids[0], region: "eu-west-1", built: true, copies: {} },
    { name: "base", arch: "arm64", is: ids[1], region: "eu-west-1", built: true, copies: {} },
  ]);
  const again = await bootlace("build", "base", "--arch", "arm64", "-o", "id");
  expect([again.exit, again.out]).toEqual([0, `${ids[1]}\n`]);
});

describe("publishImage()", () => {
  test("copies a proven AMI with a key for the region, and says who may use it and until when, in each region", async () => {
    await configure(`, copies: [eu-central-1, {region: us-east-1, kmsKey: "${KEY}"}]${OFFERED}`);
    rig.ec2.misbehave({ action: "CopyImage", fault: { kind: "mute" } });
    const { copies, origin } = await publish();
    expect(copies.map(({ region }) => region).sort()).toEqual(["eu-central-1", "us-east-1"]);
    for (const region of ["eu-west-1", "eu-central-1", "us-east-1"]) {
      const ami = region === "eu-west-1" ? origin.ami : copies.find((copy) => copy.region === region)?.origin.ami;
      const found = amisIn(region).filter(({ api }) => api.ImageId === ami);
      expect(found.map(({ sharedWith, protection }) => [[...sharedWith], protection])).toEqual([[[OTHER], true]]);
      expect(Date.parse(found[0]?.api.DeprecationTime ?? "")).toBeGreaterThan(Date.now() + 47 * 3_600_000);
      const tags = regionOf(region).tags.of(ami ?? "");
      expect([tagOf(tags, TAG.state), tagOf(tags, TAG.expires)]).toEqual(["good", ""]);
    }
    expect(amisIn("eu-central-1")).toHaveLength(1);
    expect(amisIn("us-east-1")[0]?.api.BlockDeviceMappings?.[0]?.Ebs).toMatchObject({ Encrypted: true });
    expect(events).toContainEqual(expect.objectContaining({ k: "desk-done", step: "copy to us-east-1" }));
  });

  test("marks an AMI as good whose desk was killed between its record and its mark", async () => {
    const { origin } = await built();
    rig.ec2.state.tags.add(origin.ami ?? "", [{ Key: TAG.state, Value: "building" }]);
    await publish();
    expect(tagOf(rig.ec2.state.tags.of(origin.ami ?? ""), TAG.state)).toBe("good");
  });

  test("asks for nothing that is there", async () => {
    const before = rig.ec2.calls.length;
    await publish();
    const changing = /^(Copy|Modify|Enable|Create|Delete)/;
    expect(rig.ec2.calls.slice(before).filter(({ action }) => changing.test(action))).toEqual([]);
  });

  test("whose copy fails in one region makes the others, tells the reason, and makes what is missing the next time", async () => {
    const whole = await built();
    for (const { origin } of whole.copies) {
      const there = regionOf(origin.region ?? "").images.get(origin.ami ?? "");
      if (there) there.protection = false;
      await rig.provider.removeImage?.(origin);
    }
    await forgetCopies();
    rig.ec2.misbehave({
      action: "CopyImage",
      fault: { kind: "fail", message: "No room in Frankfurt" },
      where: { SourceImageId: whole.origin.ami },
    });
    await expect(publish()).rejects.toMatchObject({
      code: "E_EC2_IMAGE",
      message: expect.stringContaining("No room in Frankfurt"),
    });
    expect((await built()).copies).toHaveLength(1);
    expect((await built()).state).toBe("good");
    expect((await publish()).copies).toHaveLength(2);
    expect([amisIn("eu-central-1"), amisIn("us-east-1")].map((amis) => amis.length)).toEqual([1, 1]);
  });

  test("gc removes a copy that a dead desk never recorded, when it has expired, and no other", async () => {
    const image = await built();
    const [{ origin } = { origin: {} }] = image.copies;
    const { region = "", ami = "" } = origin as Record<string, string>;
    const there = regionOf(region);
    await forgetCopies();
    const tags = copyTags(
      { ...image, name: `base/${image.id}`, project: "small", hardware: {} },
      region,
      Date.now() - 1,
    );
    there.tags.add(ami, tags);
    const copy = there.images.get(ami);
    if (copy) copy.protection = false;
    const garbage = await findGarbage(dir, Date.now());
    expect(garbage.remote.map(({ what }) => what)).toEqual([expect.stringContaining(`AMI ${ami}`)]);
    await removeGarbage(dir, garbage, () => rig.provider);
    expect(amisIn(region)).toEqual([]);
  });
});

async function forgetCopies(): Promise<void> {
  const image = await built();
  const records = await openRecords(dir);
  await records.change(image, { copies: [] });
}
