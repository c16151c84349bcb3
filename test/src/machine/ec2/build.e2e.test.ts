import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { findImage, startImage } from "../../../../src/image/find-image.ts";
import { imageBase } from "../../../../src/image/image-record.ts";
import { TAG, tagOf } from "../../../../src/machine/ec2/tags.ts";
import { removeFolder } from "../../../../src/machine/machine-folder.ts";
import { Link } from "../../../../src/machine/run/link.ts";
import { followBoot } from "../../../../src/machine/run/run-phase.ts";
import { buildImage } from "../../../../src/recipe/build/build-image.ts";
import { findGarbage, removeGarbage } from "../../../../src/recipe/collect-garbage.ts";
import { listLedger } from "../../../../src/recipe/ledger.ts";
import type { Event } from "../../../../stage2/index.ts";
import { makeProject, SMALL } from "../../../support/small-project.ts";
import { type Ec2Rig, gate, openEc2Rig } from "./rig.ts";

let rig: Ec2Rig;
beforeAll(async () => {
  rig = await openEc2Rig();
});
afterEach(() => rig.ec2.behave());
afterAll(async () => {
  await rig?.close();
});

const ON_EC2 = {
  ...SMALL,
  "bootlace.yaml": `name: small
runtime: system
region: eu-west-1
services: [web]
images:
  base:
    on: ec2
    from: {name: "debian-12-amd64-*", owner: "136693071363"}
    services: [base]
    ec2: {type: [t3.small], openTo: 127.0.0.1/32}
  web: {on: ec2, from: base, ec2: {openTo: 127.0.0.1/32}}
`,
};
const build = (dir: string, image: string, events: Event[] = [], signal = new AbortController().signal) =>
  buildImage({ dir, image, provider: rig.provider, report: (event) => events.push(event), signal });
const left = async (): Promise<readonly string[]> => {
  await rig.ec2.settle();
  return rig.ec2.leftovers();
};
/** AMIs, their snapshots and nothing else. */
const kinds = async () => (await left()).map((what) => what.replace(/-.*/, "")).sort();
const removeImages = async (dir: string) => {
  for (const name of ["web", "base"]) {
    const image = await findImage(dir, name);
    if (image) await rig.provider.removeImage?.(image.origin);
  }
};

test("buildImage() goes from an AMI to a proven AMI, and an instance of one made from it runs no init again", async () => {
  const dir = await makeProject(ON_EC2);
  const base = await build(dir, "base");
  const { origin, layers } = base.image;
  expect(layers).toEqual([]);
  const [tags, snapshot] = [rig.ec2.state.tags.of(origin.ami ?? ""), rig.ec2.state.tags.of(origin.snapshots ?? "")];
  for (const each of [tags, snapshot]) {
    const byName = Object.fromEntries(each.map(({ Key, Value }) => [Key, Value]));
    expect(byName).toMatchObject({
      "bootlace:project": "small",
      "bootlace:image": `base/${base.image.id}`,
      "bootlace:state": "good",
    });
    expect(byName).not.toHaveProperty("bootlace:expires");
  }
  const [ami] = [...rig.ec2.state.images.values()].filter(({ api }) => api.ImageId === origin.ami);
  expect(ami?.api).toMatchObject({ Name: `small-base-${base.image.id}`, ImdsSupport: "v2.0", State: "available" });
  expect(await kinds()).toEqual(["ami", "snap"]);

  const web = await build(dir, "web");
  expect(await kinds()).toEqual(["ami", "ami", "snap", "snap"]);
  const machine = await rig.provider.launch({
    name: "dev",
    dir,
    base: imageBase(dir, web.image),
    purpose: "run",
    hardware: { ec2: { openTo: ["own"] } },
  });
  const link = new Link(machine);
  const close = await followBoot(link, { onEvent: () => {} });
  expect(close.outcome).toBe("done");
  const log = (await (await link.session()).exec(["cat", "/srv/log"])).stdout.trim().split("\n");
  expect(log).toEqual(["base-init", "web-init", "web-seal", "base-update", "web-update"]);
  await link.close();
  await machine.dispose();

  expect(readdirSync(join(dir, ".bootlace", "ledger"))).toEqual([]);
  expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  expect(await build(dir, "web")).toEqual({ image: web.image, built: false });
  await removeImages(dir);
  expect(await left()).toEqual([]);
});

test("buildImage() whose answer to CreateImage is lost makes one AMI", async () => {
  const dir = await makeProject(ON_EC2);
  rig.ec2.misbehave({ action: "CreateImage", fault: { kind: "mute" } });
  rig.ec2.misbehave({ action: "DescribeImages", fault: { kind: "pending" }, times: 3, where: { Owners: undefined } });
  const events: Event[] = [];
  await build(dir, "base", events);
  expect(events).toContainEqual(expect.objectContaining({ k: "desk-progress", step: "capture", total: 100 }));
  expect(await kinds()).toEqual(["ami", "snap"]);
  await removeImages(dir);
});

test("buildImage() goes on after an init that reboots the instance", async () => {
  const init = '[ -e "$BOOTLACE_STATE/once" ] || { : >"$BOOTLACE_STATE/once"; exit 194; }\n  echo base-init >>/srv/log';
  const service = `description: Base\ninit: |\n  ${init}\nupdate: |\n  grep -c base-init /srv/log\n`;
  const dir = await makeProject({ ...ON_EC2, "services/base/service.yaml": service });
  await build(dir, "base");
  await removeImages(dir);
  expect(await left()).toEqual([]);
});

test("buildImage() refuses an image that would bring a dead-man timer along", async () => {
  const unit = "/etc/systemd/system/bootlace-dead-man.service";
  const service = `description: Base\ninit: |\n  echo '[Service]' >${unit}\n`;
  const dir = await makeProject({ ...ON_EC2, "services/base/service.yaml": service });
  await expect(build(dir, "base")).rejects.toMatchObject({
    code: "E_REMOTE_COMMAND",
    message: expect.stringContaining(unit),
  });
  expect(await left()).toEqual([]);
});

test("a build that was kept goes on with --resume, on the same instance, whose expiry is prolonged", async () => {
  const dir = await makeProject({
    ...ON_EC2,
    "services/base/service.yaml": "description: Base\ninit: |\n  exit 3\n",
  });
  let kept = "";
  const decide = async (_failure: unknown, id: string) => {
    kept = id;
    return "keep" as const;
  };
  const signal = new AbortController().signal;
  const common = { dir, image: "base", provider: rig.provider, report: () => {}, signal };
  await expect(buildImage({ ...common, decide })).rejects.toMatchObject({ code: "E_RUN_FAILED" });
  const [instance] = [...rig.ec2.state.instances.values()].slice(-1);
  const expiry = () => Date.parse(tagOf(rig.ec2.state.tags.of(instance?.id ?? ""), TAG.expires));
  const before = expiry();
  expect(await kinds()).toEqual(["i", "key", "sg", "vol"]);
  writeFileSync(join(dir, "services/base/service.yaml"), "description: Base\ninit: |\n  echo mended\n");
  const launches = rig.ec2.state.instances.size;
  const { image } = await buildImage({ ...common, resume: kept });
  expect(expiry()).toBeGreaterThan(before);
  // The smoke test's alone.
  expect(rig.ec2.state.instances.size - launches).toBe(1);
  expect(kept).toContain(image.id);
  await removeImages(dir);
  expect(await left()).toEqual([]);
});

test("buildImage() whose snapshot fails says why, and leaves nothing", async () => {
  const dir = await makeProject(ON_EC2);
  rig.ec2.misbehave({ action: "CreateImage", fault: { kind: "fail", message: "The volume is on fire" } });
  await expect(build(dir, "base")).rejects.toMatchObject({
    code: "E_EC2_IMAGE",
    message: expect.stringContaining("The volume is on fire"),
  });
  expect(await left()).toEqual([]);
});

test("buildImage() whose smoke test fails leaves the AMI in quarantine, with its logs, and no machine", async () => {
  const dir = await makeProject({
    ...ON_EC2,
    "services/base/service.yaml": "description: Base\ninit: |\n  true\nupdate: |\n  exit 3\n",
  });
  await expect(build(dir, "base")).rejects.toMatchObject({ code: "E_RUN_FAILED" });
  const image = await findImage(dir, "base");
  expect(image).toMatchObject({ state: "quarantined", reason: expect.stringContaining("base.update") });
  expect(readdirSync(join(dir, image?.logs ?? "nowhere"))).toHaveLength(1);
  expect(tagOf(rig.ec2.state.tags.of(image?.origin.ami ?? ""), TAG.state)).toBe("quarantined");
  expect(await kinds()).toEqual(["ami", "snap"]);
  // Neither a build nor gc takes it for anything.
  expect(await startImage(dir, "base")).toBeUndefined();
  expect(await findGarbage(dir, Date.now() + 365 * 86_400_000)).toEqual({ entries: [], layers: [], remote: [] });
  await removeImages(dir);
  expect(await left()).toEqual([]);
});

test.each(["StopInstances", "CreateImage", "DescribeSnapshots"])(
  "buildImage() that is interrupted at %s leaves nothing",
  async (action) => {
    const dir = await makeProject(ON_EC2);
    const stop = new AbortController();
    const [open, held] = [gate(), gate()];
    const wait = () => {
      held.resolve();
      return open.promise;
    };
    rig.ec2.misbehave({ action, fault: { kind: "hold", open: wait } });
    if (action === "DescribeSnapshots")
      rig.ec2.misbehave({
        action: "DescribeImages",
        fault: { kind: "pending" },
        times: 1000,
        where: { Owners: undefined },
      });
    const tried = build(dir, "base", [], stop.signal);
    tried.catch(() => {});
    await held.promise;
    stop.abort("SIGINT");
    rig.ec2.behave();
    open.resolve();
    await expect(tried).rejects.toMatchObject({ name: "AbortError" });
    expect(await left()).toEqual([]);
    expect(readdirSync(join(dir, ".bootlace", "machines"))).toEqual([]);
  },
);

/** A desk of its own process, built from the present sources inside the checkout, so that it finds the libraries. */
async function deskProgram(): Promise<string> {
  const root = fileURLToPath(new URL("../../../../", import.meta.url));
  const folder = join(root, "node_modules", ".cache", `bootlace-ec2-desk-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => removeFolder(folder));
  const contents = `import { ec2Provider } from "./src/machine/ec2/ec2-provider.ts";
    import { buildImage } from "./src/recipe/build/build-image.ts";
    await buildImage({ dir: process.argv[2], image: "base", provider: ec2Provider({ every: 20 }), report() {}, signal: new AbortController().signal });`;
  await bundle({
    stdin: { contents, resolveDir: root, loader: "ts" },
    outfile: join(folder, "desk.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "error",
  });
  return join(folder, "desk.mjs");
}

test.each([
  "ImportKeyPair",
  "CreateSecurityGroup",
  "RunInstances",
  "GetConsoleOutput",
  "CreateImage",
  "ModifyImageAttribute",
])("gc finds and removes all of a desk that was killed while it waited for %s", async (action) => {
  const dir = await makeProject(ON_EC2);
  await killDeskAt(dir, action);
  const garbage = await findGarbage(dir, Date.now());
  expect(garbage.entries.map(({ of }) => of)).toEqual(["image base"]);
  await removeGarbage(dir, garbage, () => rig.provider);
  expect(await left()).toEqual([]);
  expect(await findGarbage(dir, Date.now())).toEqual({ entries: [], layers: [], remote: [] });
});

/** Kills a desk that builds `base` while it waits for the answer to a call; what was asked for is done all the same. */
async function killDeskAt(dir: string, action: string): Promise<void> {
  const [open, held] = [gate(), gate()];
  const wait = () => {
    held.resolve();
    return open.promise;
  };
  const where = action === "RunInstances" ? { where: { DryRun: undefined } } : {};
  rig.ec2.misbehave({ action, ...where, fault: { kind: "hold", open: wait } });
  const desk = spawn(process.execPath, [await deskProgram(), dir], { stdio: ["ignore", "ignore", "inherit"] });
  await Promise.race([
    held.promise,
    new Promise((_resolve, reject) => desk.once("exit", () => reject(new Error("it ended")))),
  ]);
  desk.kill("SIGKILL");
  await new Promise((resolve) => desk.once("exit", resolve));
  open.resolve();
  rig.ec2.behave();
  await rig.ec2.settle();
}

/** A desk that was killed while its AMI was pending, and what its build is called. */
async function killedWhilePending(): Promise<{ readonly dir: string; readonly id: string; readonly ami: string }> {
  const dir = await makeProject(ON_EC2);
  const fault = { kind: "pending" } as const;
  rig.ec2.misbehave({ action: "DescribeImages", fault, times: 1000, where: { Owners: undefined } });
  await killDeskAt(dir, "DescribeSnapshots");
  const [entry] = await listLedger(dir);
  const [ami = ""] = (await left()).flatMap((what) => /^ami-\w+/.exec(what) ?? []);
  return { dir, id: entry?.id ?? "", ami };
}

const resume = (dir: string, id: string, events: Event[] = []) =>
  buildImage({
    dir,
    image: "base",
    provider: rig.provider,
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    resume: id,
  });

test("--resume of a build whose desk was killed while its AMI was made waits for that AMI, and does nothing again", async () => {
  const { dir, id, ami } = await killedWhilePending();
  const launches = rig.ec2.state.instances.size;
  const events: Event[] = [];
  const { image } = await resume(dir, id, events);
  expect(image).toMatchObject({ state: "good", origin: { ami }, inventory: { ports: expect.any(Array) } });
  expect(image.packages.length).toBeGreaterThan(0);
  const steps = events.flatMap((event) => (event.k === "desk-done" && !event.step.includes(":") ? [event.step] : []));
  expect(steps).toEqual(["prepare", "launch", "capture", "smoke", "release", "record"]);
  // The smoke test's alone.
  expect(rig.ec2.state.instances.size - launches).toBe(1);
  expect(await kinds()).toEqual(["ami", "snap"]);
  expect(await listLedger(dir)).toEqual([]);
  await removeImages(dir);
  expect(await left()).toEqual([]);
});

test("--resume makes another AMI where the project is not the one that the waiting AMI was made of", async () => {
  const { dir, id, ami } = await killedWhilePending();
  writeFileSync(
    join(dir, "services/base/service.yaml"),
    "description: Base\ninit: |\n  true\nupdate: |\n  echo other\n",
  );
  const { image } = await resume(dir, id);
  expect(image.state).toBe("good");
  expect(image.origin.ami).not.toBe(ami);
  expect(await kinds()).toEqual(["ami", "snap"]);
  await removeImages(dir);
  expect(await left()).toEqual([]);
});
