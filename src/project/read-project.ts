import type { Fault, ParamValue, Service } from "../../stage2/index.ts";
import { readLock } from "../artifacts/read-lock.ts";
import type { BundleFile } from "../bundle/bundle-file.ts";
import { type ProjectConfig, projectSchema } from "../manifest/project-schema.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import type { S3Access } from "../store/s3-settings.ts";
import { type BundledScripts, bundleScripts } from "./bundle-scripts.ts";
import { checkConfig } from "./check-config.ts";
import { checkGraph } from "./check-graph.ts";
import { checkSecrets, machineSource } from "./check-secrets.ts";
import { collectDefinitions } from "./collect-definitions.ts";
import type { ArtifactParts } from "./compile-artifacts.ts";
import { checkOverlay, declareParams, type Overlay, paramValues } from "./compile-params.ts";
import type { RemoteUse } from "./compile-remote.ts";
import { isFileReference, isNodeScript } from "./compile-script.ts";
import { type CompiledService, compileService } from "./compile-service.ts";
import type { Definition } from "./definition.ts";
import { FaultList } from "./fault-list.ts";
import { hasTrustFile } from "./has-trust-file.ts";
import type { ArtifactSource } from "./loaded.ts";
import { readConfig } from "./read-config.ts";
import { isMapping } from "./service-source.ts";
import { Stamps } from "./stamps.ts";

export interface ReadProject {
  readonly config: ProjectConfig;
  readonly source: SourceFile;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Those without faults, sorted by name. */
  readonly services: readonly Service[];
  readonly files: readonly BundleFile[];
  readonly artifacts: readonly ArtifactSource[];
  /** Everything that artifacts name outside the project's folder, locked or not. */
  readonly remotes: readonly RemoteUse[];
  readonly faults: FaultList;
  readonly stamps: Stamps;
}

export type ParamOverlay = Readonly<Record<string, Readonly<Record<string, ParamValue>>>>;

/**
 * The whole way from files to compiled services. Goes on after faults, so that all are found.
 *
 * @param extra Laid over the parameters of bootlace.yaml: those of an image or a machine.
 * @throws {BootlaceError} `E_NO_PROJECT`
 */
export async function readProject(dir: string, extra: ParamOverlay = {}): Promise<ReadProject> {
  const faults = new FaultList();
  const stamps = new Stamps();
  const parts = { stamps, faults };
  const read = readConfig(dir, parts);
  const { source } = read;
  const config = read.config ?? projectSchema.parse({ name: "unnamed" });
  const inConfig = new FaultList();
  checkConfig(config, source, inConfig, { signed: hasTrustFile(dir, stamps) });
  faults.all.push(...inConfig.all.filter(({ code }) => !read.trimmed || SURE.has(code)));
  const { definitions, referenced, extended, known } = collectDefinitions(dir, config, source, parts);
  checkGraph(definitions, faults);
  if (!read.trimmed) checkSecrets(config, source, { definitions, known }, faults);
  const bundled = await bundleScripts([...definitions.values()].flatMap(nodeScripts), dir, stamps);
  const blobs = new Map<string, ArtifactSource>();
  const remotes: RemoteUse[] = [];
  const services: Service[] = [];
  const files: BundleFile[] = [];
  const lock = readLock(dir, parts);
  const shared: ArtifactParts = { projectDir: dir, stamps, lock, s3: s3Access(config), blobs, remotes };
  const context = { ...shared, config, source, extra, referenced, extended, bundled };
  for (const definition of definitions.values()) {
    const own = new FaultList();
    const compiled = compileDefinition(definition, { ...context, faults: own });
    faults.all.push(...own.all.filter(({ code }) => !(definition.trimmed || read.trimmed) || !ECHOES.has(code)));
    if (!compiled || definition.trimmed) continue;
    services.push(compiled.service);
    for (const file of compiled.files) files.push(file);
  }
  services.sort((a, b) => (a.name < b.name ? -1 : 1));
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { config, source, definitions, services, files, artifacts: [...blobs.values()], remotes, faults, stamps };
}

/** A project has one S3: that of its store. */
function s3Access({ region, s3 }: ProjectConfig): S3Access {
  return { region, ...s3 };
}

/** What may only be wrong because a part with faults was left out before. */
const ECHOES: ReadonlySet<Fault["code"]> = new Set(["E_REFERENCE", "E_PARAM", "E_UNKNOWN_PARAM"]);

/** What stays wrong in bootlace.yaml whatever the parts that were left out said. */
const SURE: ReadonlySet<Fault["code"]> = new Set(["E_TOOL_VERSION", "E_IMAGE_CYCLE", "E_CLASH", "E_FOLLOW"]);

interface CompileContext extends ArtifactParts {
  readonly config: ProjectConfig;
  readonly source: SourceFile;
  readonly extra: ParamOverlay;
  readonly referenced: ReadonlySet<string>;
  readonly extended: ReadonlySet<string>;
  readonly bundled: BundledScripts;
  readonly faults: FaultList;
}

function compileDefinition(definition: Definition, context: CompileContext): CompiledService | undefined {
  const { name } = definition;
  const { config, source, extra, faults } = context;
  const rules = declareParams(definition.value.params as never, definition.place, faults);
  const overlays = overlaysOf(name, config, source);
  for (const overlay of [...overlays.base, ...overlays.others]) checkOverlay(rules, overlay, faults);
  const given = extra[name];
  const params = paramValues(
    rules,
    given ? [...overlays.base, { values: given, place: () => undefined }] : overlays.base,
  );
  const missing = [...rules].filter(([param]) => !Object.hasOwn(params, param));
  if (missing.length > 0) {
    // Made to be extended only: what extends it brings the values.
    if (context.extended.has(name) && !context.referenced.has(name)) return undefined;
    for (const [param, rule] of missing) {
      faults.error("E_PARAM", `The parameter ${param} of ${name} has no value`, rule.place, {
        suggestion: `give it a default, or write params: {${name}: {${param}: …}} into bootlace.yaml`,
      });
    }
    return undefined;
  }
  const secretSource = (secret: string): string | undefined => machineSource(config.secrets[`${name}.${secret}`]);
  const hasSecret = (secret: string): boolean => Object.hasOwn(config.secrets, `${name}.${secret}`);
  return compileService(definition, { ...context, params, secretSource, hasSecret });
}

/** Values that bootlace.yaml gives to a service's parameters: for all, and for single images, machines and groups. */
function overlaysOf(
  service: string,
  config: ProjectConfig,
  source: SourceFile,
): { base: Overlay[]; others: Overlay[] } {
  const overlay = (values: Overlay["values"] | undefined, above: (string | number)[]): Overlay[] =>
    values === undefined
      ? []
      : [{ values, place: (name, what) => source.place([...above, "params", service, name], what) }];
  const others = (["images", "machines", "groups"] as const).flatMap((kind) =>
    Object.entries(config[kind]).flatMap(([name, { params }]) => overlay(params?.[service], [kind, name])),
  );
  return { base: overlay(config.params[service], []), others };
}

/** Absolute paths of the `.ts` and `.mjs` scripts that a definition names. */
function nodeScripts({ value, files }: Definition): string[] {
  const runs = [value.init, value.update, value.seal, value.destroy, value.process, value.ready]
    .concat(isMapping(value.actions) ? Object.values(value.actions) : [])
    .flatMap((given) => {
      const run = isMapping(given) ? given.run : given;
      return isMapping(run) ? [run.run] : [run];
    });
  return runs.flatMap((run) => {
    if (typeof run !== "string" || !isFileReference(run)) return [];
    const path = run.trim().replace(/^(?:\.\/)+/, "");
    const file = isNodeScript(path) ? files.get(path)?.file : undefined;
    return file === undefined ? [] : [file];
  });
}
