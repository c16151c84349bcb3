import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { EC2, type Instance, type RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { makeKey } from "../sshd.ts";
import type { Ec2 } from "./start-ec2.ts";

// The SDK's own switch: on Node 20 it prints a page on versions to come.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const run = promisify(execFile);

/** A client as somebody has it who is logged in. */
export function clientOf({ endpoint, region }: Pick<Ec2, "endpoint" | "region">, more: object = {}): EC2 {
  return new EC2({
    endpoint,
    region,
    credentials: { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" },
    maxAttempts: 1,
    ...more,
  });
}

/** What a person does by hand: key pair, group, instance, host keys from the console, ssh(1). */
export class Desk {
  readonly api: EC2;
  readonly #dir = mkdtempSync(join(tmpdir(), "bootlace-ec2-desk-"));
  readonly #ami: string;
  #count = 0;

  constructor(api: EC2, ami: string) {
    this.api = api;
    this.#ami = ami;
    makeKey(join(this.#dir, "key"), "ed25519");
  }

  async launch(more: Partial<RunInstancesCommandInput> = {}): Promise<string> {
    const { api } = this;
    this.#count += 1;
    const name = `desk-${process.pid}-${this.#count}`;
    await api.importKeyPair({ KeyName: name, PublicKeyMaterial: readFileSync(join(this.#dir, "key.pub")) });
    const { GroupId = "" } = await api.createSecurityGroup({ GroupName: name, Description: "of a test" });
    await api.authorizeSecurityGroupIngress({
      GroupId,
      IpPermissions: [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "127.0.0.1/32" }] }],
    });
    const { Instances } = await api.runInstances({
      ImageId: this.#ami,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
      KeyName: name,
      SecurityGroupIds: [GroupId],
      ...more,
    });
    const id = Instances?.[0]?.InstanceId ?? "";
    await this.until(id, "running");
    return id;
  }

  async describe(id: string): Promise<Instance> {
    const { Reservations } = await this.api.describeInstances({ InstanceIds: [id] });
    return Reservations?.[0]?.Instances?.[0] ?? {};
  }

  /** @throws {Error} with what EC2 says when the instance comes to an end instead. */
  async until(id: string, state: string): Promise<Instance> {
    for (;;) {
      const instance = await this.describe(id);
      if (instance.State?.Name === state) return instance;
      if (instance.State?.Name === "terminated") throw new Error(`${id} ended: ${instance.StateReason?.Message}`);
      await sleep(20);
    }
  }

  async console(id: string): Promise<string> {
    const { Output = "" } = await this.api.getConsoleOutput({ InstanceId: id, Latest: true });
    return Buffer.from(Output, "base64").toString();
  }

  /** Public key lines from the console. */
  async hostKeys(id: string): Promise<readonly string[]> {
    for (;;) {
      const [, block] =
        /-----BEGIN SSH HOST KEY KEYS-----\r?\n([\s\S]*?)-----END SSH HOST KEY KEYS-----/.exec(
          await this.console(id),
        ) ?? [];
      if (block !== undefined) return block.trim().split(/\r?\n/);
      await sleep(20);
    }
  }

  /** Runs a line of shell by ssh(1), which expects these host keys. @returns what it printed. */
  async ssh(id: string, line: string, hostKeys: readonly string[], login = "root"): Promise<string> {
    const { PublicIpAddress, PrivateIpAddress, Ipv6Address } = await this.describe(id);
    const address = Ipv6Address ?? PublicIpAddress ?? PrivateIpAddress ?? "";
    const known = join(this.#dir, `known-${id}`);
    writeFileSync(known, hostKeys.map((key) => `${address} ${key}\n`).join(""));
    const options = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`];
    const argv = ["-F", "none", ...options.flatMap((option) => ["-o", option]), "-i", join(this.#dir, "key")];
    for (;;) {
      try {
        return (await run("ssh", [...argv, `${login}@${address}`, line])).stdout.trim();
      } catch (error) {
        // sshd comes up a moment after the instance runs.
        if (!/Connection refused/.test(String((error as { stderr?: string }).stderr))) throw error;
        await sleep(20);
      }
    }
  }

  close(): void {
    this.api.destroy();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
