import { readFile } from "node:fs/promises";
import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { becomeRoot } from "../../session/become-root.ts";
import { runChecked } from "../../session/run-checked.ts";
import type { Session } from "../../session/session.ts";
import { withFileLock } from "../file-lock.ts";
import type { Captured, Machine, MachineStatus, NamedValue, Origin, Stepping, Stopped } from "../machine.ts";
import { readJson, writeJson } from "../machine-folder.ts";
import { assertNoOpenRun } from "../open-run.ts";
import { bootOf } from "../run/boot-of.ts";
import { begunImage, captureInstance, discardCapture } from "./capture.ts";
import { noted } from "./create-instance.ts";
import { guarded } from "./dead-man.ts";
import { disposeInstance } from "./dispose.ts";
import { ec2Client } from "./ec2-client.ts";
import type { Ec2Files, Ec2Instance, Ec2Known, Ec2Spec } from "./ec2-spec.ts";
import { firstContact } from "./first-contact.ts";
import { DISARM, LAST_RUN, NOTHING_INHERITED, SEED } from "./guest-scripts.ts";
import { identityOf } from "./identity.ts";
import { fetchConsole } from "./instance-console.ts";
import { awaitState, instancesOf } from "./look.ts";
import { isSpot } from "./run-request.ts";
import { assertStopsOnShutdown, setShutdown } from "./shutdown.ts";
import { TAG } from "./tags.ts";
import { enter } from "./way-in.ts";

export interface Ec2Pace {
  /** Milliseconds between two looks at EC2. */
  readonly every: number;
  /** How long an instance may take until it lets the desk in, in milliseconds. */
  readonly bootWithin: number;
  /** How long its console may stay without a host key, in milliseconds. */
  readonly keysWithin?: number;
}

/** What one login may take; milliseconds. */
const LOGIN_WITHIN = 20_000;

/** One instance, seen from the desk; what the desk knows of it is in the machine's folder. */
export class Ec2Machine implements Machine {
  readonly provider = "ec2";
  /** EC2 cuts a guest off that does not shut down within four minutes ("Reboot your instance"). */
  readonly rebootWithin = 600_000;
  readonly layers = [];
  readonly searchedInside = true;
  readonly name: string;
  readonly id: string;
  readonly purpose: Machine["purpose"];
  readonly console: string;
  readonly #dir: string;
  #spec: Ec2Spec;
  readonly #files: Ec2Files;
  readonly #pace: Ec2Pace;

  /** @param id of the instance; that of its record where it was never launched. */
  constructor(dir: string, spec: Ec2Spec, files: Ec2Files, id: string, pace: Ec2Pace) {
    this.#dir = dir;
    this.#spec = spec;
    this.#files = files;
    this.#pace = pace;
    this.id = id;
    this.name = spec.name;
    this.purpose = spec.purpose;
    this.console = files.console;
  }

  isFrom({ ami }: Origin): boolean {
    return ami === this.#spec.ami.id;
  }

  async status(): Promise<MachineStatus> {
    if ((await readJson(this.#files.spec)) === undefined) return "gone";
    const [instance] = await instancesOf(await this.#api(), this.#spec, await this.#instance());
    const state = instance?.State?.Name;
    if (state === undefined) return "gone";
    return state === "running" || state === "pending" ? "running" : "stopped";
  }

  async detail(): Promise<string | undefined> {
    const { type } = await this.#instance();
    return [type, this.#spec.region, isSpot(this.#spec) ? "spot" : ""].filter(Boolean).join(", ");
  }

  async boot(signal?: AbortSignal): Promise<string> {
    const session = await this.session(signal);
    try {
      return await bootOf(session, signal);
    } finally {
      await session.close();
    }
  }

  async session(signal?: AbortSignal): Promise<Session> {
    await this.#assertRunning();
    const { hostKeys = [] } = await this.#known();
    return this.#enter(hostKeys, signal);
  }

  /** After a launch too: waits until the instance runs and lets the desk in. One command at a time. */
  async start(signal?: AbortSignal, step: Stepping = (_name, act) => act()): Promise<void> {
    await withFileLock(`${this.#files.folder}/start.lock`, () => this.#start(signal, step), signal);
  }

  async #start(signal: AbortSignal | undefined, step: Stepping): Promise<void> {
    const api = await this.#api();
    const [found] = await instancesOf(api, this.#spec, await this.#instance());
    const state = found?.State?.Name;
    const isFirst = (await this.#known()).machineId === undefined;
    // What its journal said before it ran again is old.
    if (state === "stopped") await this.#noteRun("");
    if (state === "running" && !isFirst) return;
    if (state === "stopping") await awaitState(api, this.id, "stopped", { every: this.#pace.every, signal });
    if (state === "stopping" || state === "stopped") {
      if (this.purpose === "build") {
        await discardCapture({ api, spec: this.#spec, files: this.#files });
        await setShutdown(api, this.id, "terminate");
      }
      await api.startInstances({ InstanceIds: [this.id] });
    }
    const waiting = { every: this.#pace.every, signal };
    const running = await step("wait until it runs", () => awaitState(api, this.id, "running", waiting));
    await writeJson(this.#files.instance, { ...(await this.#instance()), ...noted(running) } satisfies Ec2Instance);
    if (isFirst && this.purpose === "smoke") await assertStopsOnShutdown(api, this.id, "An image's machine");
    await step("wait for its host key and login", () => this.#meet(isFirst, signal));
    if (isFirst && this.purpose === "smoke") await setShutdown(api, this.id, "terminate");
  }

  /** Learns the host keys where they are not known, waits until somebody is let in, and what only the guest can tell. */
  async #meet(isFirst: boolean, signal: AbortSignal | undefined): Promise<void> {
    const known = await this.#known();
    const session = await firstContact({
      api: await this.#api(),
      id: this.id,
      spec: this.#spec,
      files: this.#files,
      pace: this.#pace,
      hostKeys: known.hostKeys ?? [],
      enter: (keys) => this.#log(keys, signal),
      learn: async (hostKeys) =>
        writeJson(this.#files.known, { ...(await this.#known()), hostKeys } satisfies Ec2Known),
      signal,
    });
    try {
      if (isFirst && this.purpose === "smoke")
        await runChecked(session, ["sh", "-c", NOTHING_INHERITED, "bootlace-nothing-inherited"]);
      await this.#introduce(session, signal);
    } finally {
      await session.close();
    }
  }

  async stop(): Promise<Stopped> {
    const api = await this.#api();
    const [found] = await instancesOf(api, this.#spec, await this.#instance());
    const state = found?.State?.Name;
    if (found === undefined || state === "stopped") return "in order";
    if (state !== "stopping") {
      await this.#disarm();
      // What ends a builder that nobody wants any more may not end the one that is about to be captured.
      if (this.#spec.build) await setShutdown(api, this.id, "stop");
      if (this.#spec.build) await assertStopsOnShutdown(api, this.id, "The machine");
      await api.stopInstances({ InstanceIds: [this.id] });
    }
    await awaitState(api, this.id, "stopped", { every: this.#pace.every });
    await this.refreshConsole().catch(() => {});
    return "in order";
  }

  async reboot(): Promise<void> {
    await this.#assertRunning();
    await (await this.#api()).rebootInstances({ InstanceIds: [this.id] });
  }

  async capture(_folder: string, signal?: AbortSignal, progress?: (percent: number) => void): Promise<Captured> {
    const status = await this.status();
    if (status !== "stopped")
      throw new BootlaceError(
        "E_MACHINE_STATE",
        `${this.name} (${this.id}) is ${status}; only a stopped machine can be captured`,
      );
    assertNoOpenRun((await this.#known()).openRun ?? "", this.name);
    return captureInstance({
      api: await this.#api(),
      id: this.id,
      spec: this.#spec,
      files: this.#files,
      every: this.#pace.every,
      ...(progress ? { progress } : {}),
      signal,
    });
  }

  async isCaptureBegun(): Promise<boolean> {
    if ((await this.status()) !== "stopped") return false;
    return (await begunImage({ api: await this.#api(), spec: this.#spec, files: this.#files })) !== undefined;
  }

  /** The disk lies at EC2. */
  async contents(): Promise<undefined> {
    return undefined;
  }

  async dispose(): Promise<void> {
    await disposeInstance(await this.#api(), this.#spec, this.#files, this.#pace.every);
  }

  async identity(): Promise<readonly NamedValue[]> {
    return identityOf(this.id, this.#files, await this.#instance(), await this.#known());
  }

  async refreshConsole(): Promise<void> {
    await fetchConsole(await this.#api(), this.id, this.#files);
  }

  async extend(expires: number): Promise<void> {
    if (!this.#spec.build) return;
    const spec: Ec2Spec = { ...this.#spec, build: { ...this.#spec.build, expires } };
    await writeJson(this.#files.spec, spec);
    this.#spec = spec;
    const { group } = await this.#instance();
    const Resources = [this.id, ...(group === undefined ? [] : [group])];
    await (await this.#api()).createTags({
      Resources,
      Tags: [{ Key: TAG.expires, Value: new Date(expires).toISOString() }],
    });
  }

  #api(): Promise<EC2> {
    return ec2Client(this.#spec.region);
  }

  async #instance(): Promise<Ec2Instance> {
    return (await readJson<Ec2Instance>(this.#files.instance)) ?? {};
  }

  async #known(): Promise<Ec2Known> {
    return (await readJson<Ec2Known>(this.#files.known)) ?? {};
  }

  async #assertRunning(): Promise<void> {
    const status = await this.status();
    if (status === "running") return;
    throw new BootlaceError("E_MACHINE_STATE", `${this.name} (${this.id}) is ${status}`, {
      hint: `Start it: bootlace up ${this.name}`,
    });
  }

  /** A session as root, without what Bootlace itself needs on the machine. */
  async #log(
    hostKeys: readonly string[] | "accept",
    signal?: AbortSignal,
  ): Promise<{ session: Session; hostKey: string }> {
    const instance = await this.#instance();
    const { address = "public" } = this.#spec.config;
    const by = { public: instance.publicIp, private: instance.privateIp, ipv6: instance.ipv6 };
    const { session, hostKey } = await enter(
      {
        dir: this.#dir,
        id: this.id,
        address: by[address],
        login: this.#spec.login,
        privateKey: await readFile(this.#files.userKey, "utf8"),
        hostKeys,
        target: `instance ${this.name} (${this.id})`,
        within: LOGIN_WITHIN,
      },
      signal,
    );
    try {
      return { session: await becomeRoot(session, {}, undefined, signal), hostKey };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async #enter(hostKeys: readonly string[], signal?: AbortSignal): Promise<Session> {
    const { session } = await this.#log(hostKeys, signal);
    try {
      await this.#introduce(session, signal);
      const { build } = this.#spec;
      if (!build) return session;
      return await guarded(session, { build, machine: this.id, onFarewell: (last) => this.#noteRun(last) });
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async #introduce(session: Session, signal: AbortSignal | undefined): Promise<void> {
    const { purpose, region } = this.#spec;
    const said = await runChecked(
      session,
      ["sh", "-c", SEED, "bootlace-seed", this.id, purpose, region],
      signal ? { signal } : {},
    );
    const known = await this.#known();
    const machineId = said.trim();
    if (known.machineId === undefined && machineId !== "")
      await writeJson(this.#files.known, { ...known, machineId } satisfies Ec2Known);
  }

  /** Best effort: a sealed machine lets nobody in any more, and its timer was ended when the last session was closed. */
  async #disarm(): Promise<void> {
    try {
      const { session } = await this.#log((await this.#known()).hostKeys ?? []);
      try {
        const { stdout } = await session.exec(["sh", "-c", `${DISARM}\n${LAST_RUN}`, "bootlace-disarm"]);
        await this.#noteRun(stdout.trim());
      } finally {
        await session.close();
      }
    } catch {
      // By the API it stops all the same.
    }
  }

  async #noteRun(last: string): Promise<void> {
    await writeJson(this.#files.known, { ...(await this.#known()), openRun: last } satisfies Ec2Known);
  }
}
