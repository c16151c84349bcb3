import { createHash } from "node:crypto";
import {
  type Action,
  isReservedVariable,
  type LongRun,
  outputPrefix,
  PACKAGE_MANAGERS,
  type ParamValue,
  PHASES,
  type Phase,
  type Script,
  type Secret,
  type Service,
  variableName,
} from "../../stage2/index.ts";
import type { BundleFile } from "../bundle/bundle-file.ts";
import { parseDuration } from "../manifest/duration.ts";
import { type ServiceManifest, serviceSchema } from "../manifest/service-schema.ts";
import { zodFaults } from "../manifest/zod-faults.ts";
import type { BundledScripts } from "./bundle-scripts.ts";
import { type ArtifactParts, compileArtifacts } from "./compile-artifacts.ts";
import { compileReady } from "./compile-ready.ts";
import { compileRepositories } from "./compile-repositories.ts";
import { compileScript, type MadeFile, modeOf, type ScriptParts } from "./compile-script.ts";
import { compileWhen } from "./compile-when.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";
import type { Mapping } from "./service-source.ts";
import { hasReferences, substituteParams } from "./substitute.ts";

export interface CompileParts extends ArtifactParts {
  readonly params: Readonly<Record<string, ParamValue>>;
  /** Where bootlace.yaml says a secret comes from, machine-side sources only. */
  readonly secretSource: (name: string) => string | undefined;
  /** Whether bootlace.yaml says where a secret comes from, machine or desk. */
  readonly hasSecret: (name: string) => boolean;
  readonly bundled: BundledScripts;
  readonly faults: FaultList;
}

export interface CompiledService {
  readonly service: Service;
  readonly files: readonly BundleFile[];
}

/**
 * Turns a definition into what the machine reads: references resolved, defaults filled in, scripts as files, names
 * sorted, so that the same input gives the same bytes.
 *
 * @returns Undefined when it has faults; they are reported.
 */
export function compileService(definition: Definition, parts: CompileParts): CompiledService | undefined {
  const { faults } = parts;
  const before = faults.errors.length;
  const manifest = resolveManifest(definition, parts);
  if (manifest === undefined) return undefined;
  checkVariables(manifest, definition, faults);
  const made = new Map<string, MadeFile>();
  const scripts: ScriptParts = { definition, faults, made, bundled: parts.bundled };
  const { name } = definition;
  const phases = compilePhases(manifest, scripts);
  const ready = manifest.ready && compileReady(manifest.ready, scripts);
  const longRun = manifest.process === undefined ? undefined : compileProcess(manifest.process, scripts);
  if (longRun) {
    faults.warning(
      "E_PROCESS",
      `This version does not start the process of ${name}`,
      definition.place(["process"], "key"),
      {
        suggestion: "start it in `update`, as bootlace/webapp does",
      },
    );
  }
  const partial: Omit<Service, "digest"> = {
    name,
    description: manifest.description ?? "",
    dir: `services/${name}`,
    renamedFrom: manifest.renamedFrom ?? [],
    requires: unique(manifest.requires),
    after: unique(manifest.after),
    when: compileWhen(manifest, parts.params, definition, faults),
    needs: manifest.needs ?? [],
    repositories: compileRepositories(manifest.repositories ?? {}, definition, faults),
    packages: compilePackages(manifest.packages),
    packagesAfter: unique(manifest.packagesAfter),
    artifacts: compileArtifacts(manifest.artifacts, { ...parts, definition, arch: manifest.when?.arch }),
    params: parts.params,
    secrets: compileSecrets(manifest, parts),
    env: sorted(mapValues(manifest.env ?? {}, String)),
    phases,
    ...(ready ? { ready } : {}),
    actions: compileActions(manifest, scripts),
    ...(longRun ? { process: longRun } : {}),
    locks: unique(manifest.locks).sort(),
    onInitChange: manifest.onInitChange ?? "warn",
    onFailure: manifest.onFailure ?? "block",
  };
  if (faults.errors.length > before) return undefined;
  const files = [
    ...[...definition.files.values()]
      .filter(({ path }) => !made.has(path))
      .map(({ path, file, bytes }) => ({ path, bytes, file })),
    ...[...made.values()].map(({ path, bytes }) => ({ path, bytes, file: undefined })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash("sha256").update(JSON.stringify(partial));
  const bundleFiles = files.map(({ path, bytes, file }): BundleFile => {
    const mode = modeOf(bytes);
    hash.update(`\n${path} ${mode} ${bytes.length}\n`).update(bytes);
    return { path: `${partial.dir}/${path}`, mode, content: file === undefined ? { bytes } : { file } };
  });
  return { service: { ...partial, digest: hash.digest("hex") }, files: bundleFiles };
}

function resolveManifest(definition: Definition, { params, faults }: CompileParts): ServiceManifest | undefined {
  const { own, chain } = definition;
  if (chain.length === 1 && own.manifest && !hasReferences(own.source.text)) return own.manifest;
  const resolved: Mapping = substituteParams(definition.value, params, (path, message, suggestion) => {
    faults.error("E_REFERENCE", message, definition.place(path), { suggestion });
  });
  const checked = serviceSchema.safeParse(resolved);
  if (checked.success) return checked.data;
  faults.all.push(
    ...zodFaults(checked.error.issues, { schema: serviceSchema, value: resolved, locate: definition.place }),
  );
  return undefined;
}

function checkVariables(
  { env = {}, params = {}, requires = [] }: ServiceManifest,
  { place, name }: Definition,
  faults: FaultList,
): void {
  for (const variable of Object.keys(env)) {
    if (isReservedVariable(variable)) {
      faults.error(
        "E_RESERVED_NAME",
        `The variable ${variable} may not be set for scripts`,
        place(["env", variable], "key"),
      );
    }
    const param = Object.keys(params).find((other) => variableName(other) === variable);
    if (param !== undefined) {
      faults.error(
        "E_CLASH",
        `${variable} is the variable of the parameter ${param} already`,
        place(["env", variable], "key"),
        {
          related: { message: "the parameter", place: place(["params", param], "key") },
        },
      );
    }
  }
  const prefixes = new Map<string, number>();
  for (const [index, other] of requires.entries()) {
    const prefix = outputPrefix(other);
    const twin = prefixes.get(prefix);
    if (twin !== undefined && requires[twin] !== other) {
      faults.error(
        "E_CLASH",
        `The outputs of ${requires[twin]} and ${other} both come as ${prefix}…`,
        place(["requires", index]),
        {
          related: { message: "the other one", place: place(["requires", twin]) },
        },
      );
    }
    prefixes.set(prefix, index);
  }
  if (isReservedVariable(`${outputPrefix(name)}X`)) {
    faults.warning(
      "E_RESERVED_NAME",
      `Outputs of a service called ${name} would be refused: they would begin with ${outputPrefix(name)}`,
      place([]),
    );
  }
}

function compilePhases(manifest: ServiceManifest, parts: ScriptParts): Partial<Record<Phase, Script>> {
  const phases: Partial<Record<Phase, Script>> = {};
  for (const phase of PHASES) {
    const given = manifest[phase];
    const script = given === undefined ? undefined : compileScript(given, phase, [phase], parts);
    if (script) phases[phase] = script;
  }
  return phases;
}

function compileActions({ actions = {} }: ServiceManifest, parts: ScriptParts): Record<string, Action> {
  const compiled: Record<string, Action> = {};
  for (const name of Object.keys(actions).sort()) {
    const given = actions[name];
    if (given === undefined) continue;
    const { description = "", ...rest } = typeof given === "string" ? { run: given } : given;
    const script = compileScript(typeof given === "string" ? given : rest, `action-${name}`, ["actions", name], parts);
    if (script) compiled[name] = { ...script, description };
  }
  return compiled;
}

function compileProcess(given: NonNullable<ServiceManifest["process"]>, parts: ScriptParts): LongRun | undefined {
  const { run, user, restart = "on-failure", stop = {} } = typeof given === "string" ? { run: given } : given;
  // A lone command is exec'ed, so that signals reach it and not a shell around it.
  const plain = /^[\w./+:=@%,-]+(?: [\w./+:=@%,-]+)*$/.test(run.trim()) && !run.trim().startsWith("./");
  const script = compileScript(
    { run: plain ? `exec ${run.trim()}` : run, ...(user === undefined ? {} : { user }) },
    "process",
    typeof given === "string" ? ["process"] : ["process", "run"],
    parts,
  );
  const { signal = "TERM", grace = "10s" } = stop;
  return script && { script, restart, stop: { signal, grace: parseDuration(grace) ?? 10_000 } };
}

function compileSecrets({ secrets = {} }: ServiceManifest, parts: CompileParts): Record<string, Secret> {
  return sorted(
    Object.fromEntries(
      Object.entries(secrets)
        .filter(([name, { optional }]) => optional !== true || parts.hasSecret(name))
        .map(([name, { phases }]) => {
          const source = parts.secretSource(name);
          return [name, { phases, ...(source === undefined ? {} : { source }) }];
        }),
    ),
  );
}

function compilePackages(given: ServiceManifest["packages"] = []): Service["packages"] {
  const of = (manager: string): readonly string[] => unique(Array.isArray(given) ? given : given[manager]).sort();
  const [apt, dnf, apk] = PACKAGE_MANAGERS.map(of);
  return { apt: apt ?? [], dnf: dnf ?? [], apk: apk ?? [] };
}

const unique = (names: readonly string[] = []): string[] => [...new Set(names)];

function sorted<T>(values: Readonly<Record<string, T>>): Record<string, T> {
  const names = Object.keys(values);
  return names.length < 2 ? values : Object.fromEntries(names.sort().map((name) => [name, values[name] as T]));
}

const mapValues = <A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
