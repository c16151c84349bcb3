import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageEntries } from "../../journal/entries.ts";
import { explainFailure, MANAGERS } from "../../packages/managers.ts";
import { repositoryFiles } from "../../packages/repositories.ts";
import type { PackageStep } from "../../types/plan.ts";
import type { Lane } from "../lane.ts";
import { LogFollower } from "../log-follower.ts";
import type { RunContext, StepResult } from "./context.ts";

const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
  APT_LISTCHANGES_FRONTEND: "none",
  NEEDRESTART_MODE: "l",
};

/** One transaction of the machine's package manager for all services that wait for packages. */
export async function runPackageStep(context: RunContext, step: PackageStep, lane: Lane): Promise<StepResult> {
  const manager = MANAGERS[step.manager];
  const log = join(context.runDir, `${step.id}.log`);
  const follower = new LogFollower(
    log,
    (text) => context.emit({ k: "output", step: step.id, text }),
    () => context.emit({ k: "output-capped", step: step.id, log }),
  );
  context.followed.set(step.id, follower);
  const names = Object.keys(step.packages);
  const run = async (argv: readonly string[]): Promise<number> => {
    if (context.stop.aborted) return 1;
    return lane.run({ argv, env: { ...ENVIRONMENT, BOOTLACE_RUN: context.run }, cwd: "/", output: log });
  };
  try {
    const changed = writeRepositories(context, step);
    const there =
      !changed &&
      (await lane.run({ argv: manager.query(names), env: ENVIRONMENT, cwd: "/", output: "/dev/null" })) === 0;
    const commands = there ? [] : [...manager.repair, manager.refresh, manager.install(names)];
    for (const argv of commands) {
      const status = await run(argv);
      if (status === 0) continue;
      if (context.stop.aborted) return { how: "interrupted", entries: [] };
      const output = existsSync(log) ? readFileSync(log, "utf8").slice(-65536) : "";
      const message = explainFailure(step.manager, output, step.packages);
      return {
        how: "failed",
        entries: [],
        reason: "packages",
        message: `${message} (${argv[0]} exits ${status})`,
        tail: follower.tail(),
        log,
      };
    }
    return { how: "done", entries: step.services.flatMap((name) => entriesOf(context, step, name)) };
  } finally {
    context.followed.delete(step.id);
    follower.close();
  }
}

function entriesOf(context: RunContext, step: PackageStep, name: string) {
  return packageEntries(name, step.manager, context.services.get(name)?.packages[step.manager] ?? []);
}

/** @returns true when a file is new or differs: then the lists are refreshed. */
function writeRepositories(context: RunContext, step: PackageStep): boolean {
  let changed = false;
  for (const name of step.services) {
    const service = context.services.get(name);
    if (service === undefined) continue;
    for (const { path, content, append } of repositoryFiles(service, step.manager)) {
      const text =
        "text" in content
          ? content.text
          : readFileSync(join(context.folderOf(service.name), service.dir, content.from), "latin1");
      const old = existsSync(path) ? readFileSync(path, "latin1") : "";
      if (append ? old.split("\n").includes(text.trim()) : old === text) continue;
      changed = true;
      mkdirSync(dirname(path), { recursive: true });
      if (append) appendFileSync(path, text);
      else if ("text" in content) writeFileSync(path, text);
      else copyFileSync(join(context.folderOf(service.name), service.dir, content.from), path);
    }
  }
  return changed;
}
