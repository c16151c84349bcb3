import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootlaceError, EXIT, type ExitCode, memoryFolder, type Paths, pathsUnder } from "../../stage2/index.ts";
import { packBundle } from "../bundle/pack.ts";
import { writeTree } from "../bundle/write-tree.ts";
import type { CommandContext, CommandRun } from "../cli/command.ts";
import { readSecrets } from "../machine/run/send-secrets.ts";
import { loadProject } from "../project/load-project.ts";
import type { LoadedProject } from "../project/loaded.ts";
import { showPlanHere } from "./plan.ts";

/**
 * `bootlace apply --here`: runs the project's services on the very machine that this command is typed on, by the
 * machine's own code from an unpacked bundle.
 */
const apply: CommandRun = async (context) => {
  const { options, dir } = context;
  if (options.here !== true) {
    throw new BootlaceError("E_USAGE", "Expected --here: this version applies to the very machine that it runs on", {
      hint: "For a machine of the project use `bootlace up MACHINE`.",
    });
  }
  if (options.plan === true) return showPlanHere(context);
  const loaded = await loadProject(dir);
  const paths = pathsUnder(typeof options.root === "string" ? options.root : "/");
  const bundleDir = await install(loaded, paths);
  await placeSecrets(loaded, paths);
  return runStage2(bundleDir, context, paths);
};

export default apply;

/** Puts bundle and artifacts where the machine's code looks for them. @returns the unpacked bundle's folder. */
async function install(loaded: LoadedProject, paths: Paths): Promise<string> {
  const { digest } = await packBundle(loaded);
  const folder = join(paths.bundles, digest);
  try {
    await mkdir(paths.bundles, { recursive: true });
    await mkdir(paths.artifacts, { recursive: true });
    if (!existsSync(folder)) {
      const beside = `${folder}.new-${process.pid}`;
      await rm(beside, { recursive: true, force: true });
      await writeTree(loaded, beside);
      await rename(beside, folder);
    }
    for (const artifact of loaded.artifacts) {
      const to = join(paths.artifacts, artifact.digest);
      if (existsSync(to)) continue;
      await copyFile(artifact.file, `${to}.new-${process.pid}`);
      await rename(`${to}.new-${process.pid}`, to);
    }
    await writeFile(`${paths.current}.new`, `bundle=${digest}\nruntime=system\n`);
    await rename(`${paths.current}.new`, paths.current);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BootlaceError("E_STATE", `The state folder ${paths.lib} cannot be used: ${why}`, {
      cause,
      hint: "Run as root, or keep the state elsewhere with --root DIR.",
    });
  }
  return folder;
}

/** Secrets that the desk has go where a session would put them: on tmpfs, gone with the boot. */
async function placeSecrets(loaded: LoadedProject, paths: Paths): Promise<void> {
  const closure = loaded.project.services.map((service) => service.name);
  const secrets = await readSecrets(loaded, closure);
  const memory = memoryFolder(paths);
  if (secrets.length > 0 && memory === undefined) {
    throw new BootlaceError(
      "E_STATE",
      `Neither ${paths.volatile} nor /dev/shm is a tmpfs: there is no place for secrets`,
    );
  }
  for (const secret of secrets) {
    const folder = join(memory ?? "", "secrets", secret.service);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rm(join(folder, secret.name), { force: true });
    await writeFile(join(folder, secret.name), secret.reveal(), { mode: 0o400 });
  }
}

function runStage2(bundleDir: string, { options, json, signal }: CommandContext, paths: Paths): Promise<ExitCode> {
  const list = (name: string, flag: string): string[] =>
    [options[name] ?? []].flat().flatMap((value) => [flag, String(value)]);
  const argv = [
    join(bundleDir, "stage2.mjs"),
    "run",
    "--root",
    paths.root,
    "--no-reboot",
    ...list("service", "-s"),
    ...list("phase", "--phase"),
    ...list("jobs", "--jobs"),
    ...list("rerun", "--rerun"),
    ...list("assumeInit", "--assume-init"),
    ...(options.wait === true ? ["--wait"] : []),
    ...(options.strict === true ? ["--strict"] : []),
    ...(json ? ["--json"] : []),
  ];
  const child = spawn(process.execPath, argv, { stdio: "inherit" });
  // A terminal sends its signals to both of us; others reach only this process, so they are handed on.
  signal.addEventListener("abort", () => child.kill(signal.reason === "SIGTERM" ? "SIGTERM" : "SIGINT"), {
    once: true,
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, killed) =>
      resolve((code ?? (killed === "SIGTERM" ? EXIT.terminated : EXIT.interrupted)) as ExitCode),
    );
  });
}
