import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Event, Phase, Project, Script, Service } from "../../stage2/index.ts";

/** A service for tests: everything has a default, phases are shell text. */
export type ServiceSketch = Partial<Omit<Service, "phases" | "name">> & {
  readonly scripts?: Partial<Record<Phase, string | (Partial<Script> & { readonly text: string })>>;
};

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A compiled service without its files. */
export function service(name: string, sketch: ServiceSketch = {}): Service {
  const { scripts = {}, ...rest } = sketch;
  const phases = Object.fromEntries(
    Object.entries(scripts).map(([phase, given]) => {
      const { text, ...more } = typeof given === "string" ? { text: given } : given;
      const bytes = scriptText(text);
      return [
        phase,
        { file: `.bootlace/${phase}`, with: "exec", attempts: 1, backoff: 1, digest: sha256(bytes), ...more },
      ];
    }),
  );
  return {
    name,
    description: "",
    dir: `services/${name}`,
    digest: "",
    renamedFrom: [],
    requires: [],
    after: [],
    when: {},
    needs: [],
    repositories: { apt: [], dnf: [], apk: [] },
    packages: { apt: [], dnf: [], apk: [] },
    packagesAfter: [],
    artifacts: [],
    params: {},
    secrets: {},
    env: {},
    actions: {},
    locks: [],
    onInitChange: "warn",
    onFailure: "block",
    ...rest,
    phases,
  };
}

const scriptText = (text: string): string => (text.startsWith("#!") ? text : `#!/bin/sh -eu\n${text}\n`);

export function project(roots: readonly string[], services: Readonly<Record<string, ServiceSketch>>): Project {
  return {
    format: 1,
    name: "test",
    roots,
    services: Object.entries(services).map(([name, sketch]) => service(name, sketch)),
  };
}

/** A run that was started: its events as they come, and its end. */
export class RunningRun {
  readonly events: Event[] = [];
  readonly exit: Promise<number>;
  stderr = "";
  readonly child: ChildProcess;
  private readonly waiting: {
    matches: (event: Event) => boolean;
    found: (event: Event) => void;
    lost: (error: Error) => void;
  }[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    if (child.stdout) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const event = JSON.parse(line) as Event;
        this.events.push(event);
        for (const wait of this.waiting.filter(({ matches }) => matches(event))) wait.found(event);
      });
    }
    child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.exit = new Promise((resolve) =>
      child.on("close", (code, signal) => {
        for (const wait of this.waiting)
          wait.lost(new Error(`The run ended (${code ?? signal}) first. ${this.stderr}`));
        resolve(code ?? (signal === "SIGKILL" ? 137 : 255));
      }),
    );
  }

  /** Resolves with the first event, past or future, that matches. */
  async waitFor(matches: (event: Event) => boolean): Promise<Event> {
    const past = this.events.find(matches);
    if (past) return past;
    return new Promise((found, lost) => this.waiting.push({ matches, found, lost }));
  }

  /** Resolves when a step has begun, or ended in the way named. */
  step(step: string, k: "start" | "done" | "fail" | "blocked" = "start"): Promise<Event> {
    return this.waitFor((event) => event.k === k && "step" in event && event.step === step);
  }

  /** `web.init` of everything that has begun, in order. */
  get started(): string[] {
    return this.events.flatMap((event) => (event.k === "start" ? [event.step] : []));
  }

  get close(): Extract<Event, { k: "close" }> {
    const close = this.events.find((event) => event.k === "close");
    if (close?.k !== "close") throw new Error(`The run has not closed. ${this.stderr}`);
    return close;
  }

  output(step: string): string {
    return this.events.flatMap((event) => (event.k === "output" && event.step === step ? [event.text] : [])).join("");
  }
}

/** A machine's state in a temporary folder, and the real runner (dist/stage2.mjs) on it. */
export class MachineRig {
  readonly dir = mkdtempSync(join(tmpdir(), "bootlace-rig-"));
  readonly bundle = join(this.dir, "bundle");
  readonly root = join(this.dir, "root");
  /** A folder that scripts write to: `$WORLD`. */
  readonly world = join(this.dir, "world");
  private readonly children: ChildProcess[] = [];

  private readonly prefix: readonly string[];

  /** @param prefix words before the runner's command: where it runs, if not on this machine. */
  constructor(
    roots: readonly string[],
    services: Readonly<Record<string, ServiceSketch>>,
    prefix: readonly string[] = [],
  ) {
    this.prefix = prefix;
    chmodSync(this.dir, 0o755);
    mkdirSync(this.world, { recursive: true });
    chmodSync(this.world, 0o777);
    this.write(roots, services);
  }

  /** Puts a project into the bundle; called again, it is what a newer bundle brings. */
  write(roots: readonly string[], services: Readonly<Record<string, ServiceSketch>>): void {
    rmSync(this.bundle, { recursive: true, force: true });
    mkdirSync(this.bundle, { recursive: true });
    const withWorld = Object.fromEntries(
      Object.entries(services).map(([name, sketch]) => [
        name,
        { ...sketch, env: { WORLD: this.world, ...sketch.env } },
      ]),
    );
    for (const [name, { scripts = {} }] of Object.entries(services)) {
      for (const [phase, given] of Object.entries(scripts)) {
        const { text, file = `.bootlace/${phase}` } = typeof given === "string" ? { text: given } : given;
        const path = join(this.bundle, "services", name, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, scriptText(text), { mode: 0o755 });
      }
      mkdirSync(join(this.bundle, "services", name), { recursive: true });
    }
    writeFileSync(join(this.bundle, "project.json"), JSON.stringify(project(roots, withWorld)));
    copyFileSync("dist/stage2.mjs", join(this.bundle, "stage2.mjs"));
  }

  /** Starts `stage2.mjs ARGS --root …`; events are read from its JSON output. */
  start(args: readonly string[] = ["run"], env: NodeJS.ProcessEnv = {}): RunningRun {
    const argv = [
      ...this.prefix,
      process.execPath,
      join(this.bundle, "stage2.mjs"),
      ...args,
      "--root",
      this.root,
      "--json",
    ];
    const child = spawn(argv[0]!, argv.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.children.push(child);
    return new RunningRun(child);
  }

  /** Runs to the end. */
  async run(args: readonly string[] = ["run"], env: NodeJS.ProcessEnv = {}): Promise<RunningRun & { code: number }> {
    const running = this.start(args, env);
    const code = await running.exit;
    return Object.assign(running, { code });
  }

  /** Runs a command that prints text or one JSON value. */
  say(...args: string[]): string {
    return execFileSync(process.execPath, [join(this.bundle, "stage2.mjs"), ...args, "--root", this.root], {
      encoding: "utf8",
    });
  }

  /** A script line that blocks until the test calls `release(name)`. */
  hold(name: string): string {
    const fifo = join(this.world, `${name}.gate`);
    if (!existsSync(fifo)) execFileSync("mkfifo", ["-m", "666", fifo]);
    return `read -r _ <"${fifo}"`;
  }

  /** Lets a held script go on: it waits in open(2) until the script is there. */
  async release(name: string): Promise<void> {
    const gate = await open(join(this.world, `${name}.gate`), "w");
    await gate.write("\n");
    await gate.close();
  }

  read(name: string): string {
    const file = join(this.world, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  get journal(): string {
    return join(this.root, "var/lib/bootlace/journal");
  }

  dispose(): void {
    for (const child of this.children) child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}
