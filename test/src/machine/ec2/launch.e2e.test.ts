import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { filesOf } from "../../../../src/machine/ec2/ec2-spec.ts";
import { planInstance } from "../../../../src/machine/ec2/plan-instance.ts";
import type { LaunchSpec, Machine } from "../../../../src/machine/machine.ts";
import { makeSshKey } from "../../../../src/session/ssh-key.ts";
import { type Ec2Rig, gate, openEc2Rig, runOn } from "./rig.ts";

let rig: Ec2Rig;
beforeAll(async () => {
  rig = await openEc2Rig();
});
const machines: Machine[] = [];
afterEach(async () => {
  rig.ec2.behave();
  for (const machine of machines.splice(0)) await machine.dispose();
  await rig.ec2.settle();
});
afterAll(async () => {
  await rig?.close();
});
const launch = async (more: Partial<LaunchSpec> = {}): Promise<Machine> => {
  const machine = await rig.launch(more);
  machines.push(machine);
  return machine;
};
const withConfig = (ec2: NonNullable<LaunchSpec["hardware"]>["ec2"], more: LaunchSpec["hardware"] = {}) => ({
  hardware: { ...more, ...(ec2 ? { ec2 } : {}) },
});
const asked = (action: string) => rig.ec2.calls.filter((call) => call.action === action);
const silent = () => ({ kind: "ami", region: rig.ec2.region, which: { id: rig.ec2.amis.silent } }) as const;
/** Of what a failed launch may have made, and its record. */
const leftBehind = async () => {
  await rig.ec2.settle();
  return [...rig.ec2.leftovers(), ...(existsSync(filesOf(rig.dir, "dev").folder) ? ["its record"] : [])];
};

describe("what is found before anything is made", () => {
  const soon = { build: { id: "build-web-1", expires: Date.now() + 600_000 } };
  test.each<[string, () => Partial<LaunchSpec>, string, RegExp]>([
    [
      "an AMI that is not there",
      () => ({ base: { kind: "ami", which: { id: "ami-00000000000000000" } } }),
      "E_EC2_BASE",
      /another id in each region/,
    ],
    [
      "an AMI of the wrong architecture",
      () => ({ base: { kind: "ami", which: { id: rig.ec2.amis.debianArm } } }),
      "E_EC2_BASE",
      /arch: arm64/,
    ],
    [
      "a name that only somebody else's AMI has",
      () => ({ base: { kind: "ami", which: { name: "debian-12-amd64-20261231*", owner: "136693071363" } } }),
      "E_EC2_BASE",
      /owner/,
    ],
    [
      "a parameter that is not there",
      () => ({ base: { kind: "ami", which: { ssm: "/aws/service/none" } } }),
      "E_EC2_BASE",
      /./,
    ],
    ["a type that is not there", () => withConfig({ type: ["t3.huge"] }), "E_EC2_TYPE", /./],
    ["a type of the wrong architecture", () => withConfig({ type: ["t4g.small"] }), "E_EC2_TYPE", /x86_64/],
    ["a subnet that is not there", () => withConfig({ subnet: "subnet-00000000000000000" }), "E_EC2_NETWORK", /./],
    [
      "a subnet without public addresses",
      () => withConfig({ subnet: rig.ec2.subnets.private }),
      "E_EC2_NETWORK",
      /address: private/,
    ],
    [
      "a group that the whole world may use",
      () => withConfig({ openTo: ["0.0.0.0/0"] }),
      "E_EC2_NETWORK",
      /openToWorld/,
    ],
    ["a login that nobody knows", () => ({ base: silent() }), "E_EC2_BASE", /login/],
  ])("launch() refuses %s with a remedy, and leaves nothing", async (_what, spec, code, hint) => {
    const before = asked("RunInstances").length;
    await expect(
      launch({ ...soon, ...spec(), hardware: { arch: "x86_64", ...spec().hardware } }),
    ).rejects.toMatchObject({
      code,
      ...(hint.source === "." ? {} : { hint: expect.stringMatching(hint) }),
    });
    expect(asked("RunInstances")).toHaveLength(before);
    expect(await leftBehind()).toEqual([]);
  });

  test("launch() without the right to launch names the right and keeps the encoded message, and leaves nothing", async () => {
    rig.ec2.misbehave({ action: "RunInstances", fault: { kind: "denied" } });
    await expect(launch()).rejects.toMatchObject({
      code: "E_AWS_DENIED",
      message: expect.stringMatching(/ec2:RunInstances[\s\S]*[Ee]ncoded authorization failure message: \S{20}/),
      hint: expect.stringContaining("decode-authorization-message"),
    });
    expect(await leftBehind()).toEqual([]);
  });

  test("launch() with a token that has ended says so", async () => {
    rig.ec2.misbehave({ action: "DescribeImages", fault: { kind: "expired" }, times: 8 });
    await expect(launch()).rejects.toMatchObject({ code: "E_AWS_CREDENTIALS" });
  });
});

describe("an account that answers as EC2 does on a bad day", () => {
  test("launch() survives throttling, lost answers and resources that are not known yet, and makes each once", async () => {
    const before = rig.ec2.state.instances.size;
    for (const action of ["ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress"])
      rig.ec2.misbehave({ action, fault: { kind: "mute" } });
    rig.ec2.misbehave({ action: "DescribeInstances", fault: { kind: "missing" }, times: 2 });
    rig.ec2.misbehave({ action: "DescribeInstances", fault: { kind: "throttle" }, times: 2 });
    rig.ec2.misbehave({ action: "GetConsoleOutput", fault: { kind: "empty" }, times: 3 });
    const machine = await launch();
    expect(await runOn(machine, "id -u")).toBe("0");
    expect(rig.ec2.state.instances.size - before).toBe(1);
    await machine.dispose();
    expect(await leftBehind()).toEqual([]);
  });

  test("launch() whose answer to RunInstances is lost launches one instance", async () => {
    const before = rig.ec2.state.instances.size;
    rig.ec2.misbehave({ action: "RunInstances", fault: { kind: "mute" }, where: { DryRun: undefined } });
    await launch();
    expect(rig.ec2.state.instances.size - before).toBe(1);
  });

  test("launch() takes the next type where there is no capacity for the first", async () => {
    const none = { kind: "error", code: "InsufficientInstanceCapacity", status: 500 } as const;
    rig.ec2.misbehave({
      action: "RunInstances",
      fault: none,
      where: { InstanceType: "t3.small", DryRun: undefined },
      times: 20,
    });
    const machine = await launch(withConfig({ type: ["t3.small", "t3.micro"] }));
    expect(await machine.detail?.()).toContain("t3.micro");
  });

  test("launch() that fails ends an instance that EC2 does not know everywhere yet", async () => {
    const refused = { kind: "error", code: "InvalidParameterValue", status: 400 } as const;
    rig.ec2.misbehave({ action: "DescribeInstances", fault: { kind: "missing" }, times: 2 });
    rig.ec2.misbehave({ action: "DescribeInstances", fault: refused });
    rig.ec2.misbehave({ action: "TerminateInstances", fault: { kind: "missing" }, times: 3 });
    await expect(launch()).rejects.toMatchObject({ code: "E_EC2" });
    expect(await leftBehind()).toEqual([]);
  });

  test("launch() names the quota that is used up, and leaves nothing", async () => {
    const none = { kind: "error", code: "VcpuLimitExceeded", status: 400 } as const;
    rig.ec2.misbehave({ action: "RunInstances", fault: none, where: { DryRun: undefined } });
    await expect(launch()).rejects.toMatchObject({ code: "E_EC2_QUOTA" });
    expect(await leftBehind()).toEqual([]);
  });
});

describe("whom the desk talks to", () => {
  const login = { login: "root" };
  test("launch() refuses an instance whose console shows no host key, names the ways out, and leaves nothing", async () => {
    const { ec2Provider } = await import("../../../../src/machine/ec2/ec2-provider.ts");
    const impatient = ec2Provider({ checkip: rig.ec2.checkip, every: 20, keysWithin: 500 });
    const tried = impatient.launch({ name: "dev", dir: rig.dir, base: silent(), purpose: "run", hardware: login });
    await expect(tried).rejects.toMatchObject({
      code: "E_EC2_HOST_KEY",
      hint: expect.stringMatching(/planted[\s\S]*accept/),
    });
    expect(await leftBehind()).toEqual([]);
  });

  test("hostKeys: planted expects the key of the user data; no launch has user data otherwise", async () => {
    const machine = await launch({ base: silent(), ...withConfig({ hostKeys: "planted" }, login) });
    expect(await runOn(machine, "id -u")).toBe("0");
    const runs = asked("RunInstances").map(({ input }) => (input as { UserData?: string }).UserData !== undefined);
    expect(runs.filter(Boolean).length).toBeGreaterThan(0);
    expect(runs.slice(0, -2)).not.toContain(true);
  });

  test("hostKeys: accept believes the first connection, and refuses another key afterwards", async () => {
    const machine = await launch({ base: silent(), ...withConfig({ hostKeys: "accept" }, login) });
    await runOn(machine, "rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null");
    await expect(runOn(machine, "true")).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY" });
  });
});

test("an instance has IMDSv2 alone, its tags and a group that lets in this desk's own address", async () => {
  await launch(withConfig({ tags: { team: "web" } }));
  const [instance] = [...rig.ec2.state.instances.values()].slice(-1);
  expect(instance?.api.MetadataOptions).toMatchObject({
    HttpTokens: "required",
    HttpPutResponseHopLimit: 1,
    InstanceMetadataTags: "enabled",
  });
  expect(rig.ec2.state.tags.of(instance?.id ?? "")).toEqual(
    expect.arrayContaining([
      { Key: "team", Value: "web" },
      { Key: "bootlace:purpose", Value: "run" },
    ]),
  );
  const group = [...rig.ec2.state.groups.values()].find(({ GroupName }) => GroupName?.startsWith("bootlace-"));
  expect(group?.IpPermissions).toMatchObject([{ FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "127.0.0.1/32" }] }]);
});

test("reboot() gives another boot of the same instance, with the same host keys; the console's file gets what it printed", async () => {
  const machine = await launch();
  const boots = () => readFileSync(machine.console ?? "", "utf8").match(/Linux version/g)?.length;
  expect(boots()).toBe(1);
  const before = await machine.boot();
  await machine.reboot();
  await expect.poll(() => machine.boot().catch(() => before)).not.toBe(before);
  expect(await runOn(machine, "sed -n 's/^machine=//p' /run/bootlace/seed")).toBe(machine.id);
  await machine.refreshConsole?.();
  expect(boots()).toBe(2);
});

describe("an instance without a public address", () => {
  const inside = () => withConfig({ subnet: rig.ec2.subnets.private, address: "private", openTo: ["127.0.0.1/32"] });
  const useSshConfig = (text: string) => {
    const file = join(rig.dir, "ssh_config");
    writeFileSync(file, text);
    process.env.BOOTLACE_SSH_CONFIG = file;
    onTestFinished(() => {
      delete process.env.BOOTLACE_SSH_CONFIG;
    });
  };

  test("is reached by its private address, and a group lets in the VPC's range where nothing else is said", async () => {
    const machine = await launch(inside());
    expect(await runOn(machine, "id -u")).toBe("0");
    await machine.dispose();
    const plan = await planInstance(
      { name: "dev", dir: rig.dir, base: rig.base, purpose: "run", ...withConfig({ address: "private" }) },
      rig.ec2.checkip,
    );
    expect(plan.openTo).toEqual([[...rig.ec2.state.vpcs.values()][0]?.CidrBlock]);
  });

  test("is reached by a ProxyCommand for its id, as Session Manager's; its host key is checked all the same", async () => {
    const relay = join(rig.dir, "relay.mjs");
    const sdk = import.meta.resolve("@aws-sdk/client-ec2");
    writeFileSync(
      relay,
      `import { connect } from "node:net";
import { EC2 } from ${JSON.stringify(sdk)};
const { Reservations } = await new EC2({}).describeInstances({ InstanceIds: [process.argv[2]] });
const socket = connect(22, Reservations[0].Instances[0].PrivateIpAddress);
process.stdin.pipe(socket).pipe(process.stdout);
`,
    );
    useSshConfig(`Host i-*\n  ProxyCommand ${process.execPath} ${relay} %h\nHost 127.*\n  ProxyCommand false\n`);
    const machine = await launch(inside());
    expect(await runOn(machine, "id -u")).toBe("0");
    const { known } = filesOf(rig.dir, "dev");
    writeFileSync(known, JSON.stringify({ hostKeys: [makeSshKey("another machine").public] }));
    await expect(machine.session()).rejects.toMatchObject({ code: "E_SESSION_HOST_KEY" });
  });
});

describe("interrupted", () => {
  test.each(["ImportKeyPair", "CreateSecurityGroup", "RunInstances", "GetConsoleOutput"])(
    "launch() that is interrupted at %s leaves nothing",
    async (action) => {
      const stop = new AbortController();
      const [open, held] = [gate(), gate()];
      const where = action === "RunInstances" ? { where: { DryRun: undefined } } : {};
      rig.ec2.misbehave({
        action,
        ...where,
        fault: {
          kind: "hold",
          open: () => {
            held.resolve();
            return open.promise;
          },
        },
      });
      const tried = rig.provider.launch({ name: "dev", dir: rig.dir, base: rig.base, purpose: "run" }, stop.signal);
      tried.catch(() => {});
      await held.promise;
      stop.abort("SIGINT");
      open.resolve();
      await expect(tried).rejects.toMatchObject({ name: "AbortError" });
      expect(await leftBehind()).toEqual([]);
    },
  );
});

describe("a builder", () => {
  const build = () => ({ purpose: "build", build: { id: "build-web-1", expires: Date.now() + 3_600_000 } }) as const;

  test("its dead-man timer stands in memory alone, ends it for good when time is up, and goes away before a stop", async () => {
    const machine = await launch(build());
    const session = await machine.session();
    const [, until = "0"] = (await session.exec(["cat", "/run/bootlace/dead-man"])).stdout.split(" ");
    const [uptime = "0"] = (await session.exec(["cat", "/proc/uptime"])).stdout.split(" ");
    expect(Number(until) - Number(uptime)).toBeGreaterThan(600);
    expect(Number(until) - Number(uptime)).toBeLessThanOrEqual(901);
    await session.exec(["sh", "-c", "read -r id _ </run/bootlace/dead-man; echo $id 1 >/run/bootlace/dead-man"]);
    await session.closed;
    await expect.poll(() => machine.status()).toBe("gone");
  });

  test("stop() sets the shutdown behaviour back, so that the machine is there to be captured", async () => {
    const machine = await launch(build());
    await machine.stop();
    expect(await machine.status()).toBe("stopped");
    expect([...rig.ec2.state.instances.values()].at(-1)?.shutdown).toBe("stop");
  });

  test("leftovers() finds what a dead desk left by tags alone once it expired, or when its build is over, and removes it", async () => {
    await rig.launch(build());
    await rm(join(rig.dir, ".bootlace"), { recursive: true });
    const find = (now: number, over: readonly string[] = []) =>
      rig.provider.leftovers?.(rig.dir, now, { over, living: [] }) ?? [];
    expect(await find(Date.now())).toEqual([]);
    expect(await find(Date.now(), ["build-web-1"])).toHaveLength(3);
    const found = await find(Date.now() + 7_200_000);
    expect(found.map(({ what }) => what.replace(/ \S+ of/, " of"))).toEqual([
      "instance of build-web-1",
      "security group of build-web-1",
      "key pair of build-web-1",
    ]);
    for (const leftover of found) await leftover.remove();
    expect(await leftBehind()).toEqual([]);
  });
});
