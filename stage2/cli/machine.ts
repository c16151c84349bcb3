import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BootlaceError } from "../errors/bootlace-error.ts";
import { onlyOwn } from "../plan/only-own.ts";
import { readFacts } from "../rim/facts.ts";
import { type Paths, pathsUnder } from "../rim/paths.ts";
import { rootsOn } from "../rim/roots-on.ts";
import type { Facts, Purpose } from "../types/facts.ts";
import type { Project } from "../types/service.ts";
import type { Arguments } from "./arguments.ts";

/** What every command on a machine begins with. */
export interface Machine {
  readonly paths: Paths;
  readonly facts: Facts;
  readonly project: Project;
  readonly bundleDir: string;
  /** Digest of the bundle, as stage1 unpacked it. */
  readonly bundle: string;
  /** Services asked for, strongest source first: command line, `/etc/bootlace/services`, the project's default. */
  readonly roots: readonly string[];
  /** The same without the command line: what a boot takes. */
  readonly bootRoots: readonly string[];
}

/** Reads what is known of this machine and of the bundle that this program lies in. */
export function openMachine({ values }: Arguments): Machine {
  const paths = pathsUnder(values.root ?? process.env.BOOTLACE_ROOT ?? "/");
  const bundleDir = dirname(fileURLToPath(import.meta.url));
  const project = readProject(join(bundleDir, "project.json"));
  const asked = values.service ?? [];
  const facts = readFacts(paths.seed, asPurpose(values.purpose));
  const bootRoots = rootsOn(paths, project, []);
  return {
    paths,
    facts,
    project,
    bundleDir,
    bundle: process.env.BOOTLACE_BUNDLE ?? basename(bundleDir),
    roots: values.own && asked.length > 0 ? onlyOwn(asked, bootRoots, project, facts) : rootsOn(paths, project, asked),
    bootRoots,
  };
}

function readProject(file: string): Project {
  try {
    const project = JSON.parse(readFileSync(file, "utf8")) as Project;
    if (project.format !== 1) throw new Error(`format ${project.format}, this runner reads 1`);
    return project;
  } catch (cause) {
    throw new BootlaceError("E_BUNDLE", `${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

function asPurpose(text: string | undefined): Purpose | undefined {
  if (text === undefined || text === "build" || text === "smoke" || text === "run") return text;
  throw new BootlaceError("E_USAGE", `Expected --purpose build | smoke | run, got "${text}"`);
}
