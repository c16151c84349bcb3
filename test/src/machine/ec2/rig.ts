import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ec2Provider } from "../../../../src/machine/ec2/ec2-provider.ts";
import type { Base, LaunchSpec, Machine, Provider } from "../../../../src/machine/machine.ts";
import { type Ec2, startEc2 } from "../../../support/ec2/start-ec2.ts";

export interface Ec2Rig {
  readonly ec2: Ec2;
  readonly provider: Provider;
  readonly dir: string;
  /** Debian, whose `admin` has sudo. */
  readonly base: Base;
  launch(more?: Partial<LaunchSpec>): Promise<Machine>;
  close(): Promise<void>;
}

/** An account of its own, and a desk that is logged in to it: what the environment says, as a person has it. */
export async function openEc2Rig(): Promise<Ec2Rig> {
  const ec2 = await startEc2();
  const dir = await mkdtemp(join(tmpdir(), "bootlace-ec2-project-"));
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: ec2.endpoint,
    AWS_ACCESS_KEY_ID: "AKIATESTTESTTESTTEST",
    AWS_SECRET_ACCESS_KEY: "test/secret+of=a/test",
    AWS_REGION: ec2.region,
    AWS_EC2_METADATA_DISABLED: "true",
  });
  const provider = ec2Provider({ checkip: ec2.checkip, every: 20, bootWithin: 60_000, keysWithin: 20_000 });
  const base: Base = { kind: "ami", region: ec2.region, which: { id: ec2.amis.debian } };
  return {
    ec2,
    provider,
    dir,
    base,
    launch: (more = {}) => provider.launch({ name: "dev", dir, base, purpose: "run", ...more }),
    async close() {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      await ec2.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Runs a line of shell on a machine as root; answers what it printed. */
export async function runOn(machine: Machine, line: string): Promise<string> {
  const session = await machine.session();
  const result = await session.exec(["sh", "-c", line]);
  await session.close();
  if (result.exit !== 0) throw new Error(`${line}: exit ${result.exit}: ${result.stderr}`);
  return result.stdout.trim();
}

/** A promise that somebody else resolves. */
export function gate(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}
