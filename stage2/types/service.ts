/**
 * The compiled form of services: what the desk writes into a bundle as `project.json` and the machine reads.
 * All defaults are filled in, `extends` is resolved, inline scripts have become files, durations are milliseconds.
 */

export const PACKAGE_MANAGERS = ["apt", "dnf", "apk"] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

export const PHASES = ["init", "update", "seal", "destroy"] as const;
export type Phase = (typeof PHASES)[number];

export type ParamValue = string | number | boolean | readonly (string | number | boolean)[];

/** A script as the machine runs it: executable, in the service's folder of the bundle. */
export interface Script {
  /** Path in the service's folder, `/`-separated: `update.sh`, or `.bootlace/init` for what was inline. */
  readonly file: string;
  /** `exec`: run the file itself (it has a shebang). `node`: run it on the runtime, as `node FILE`. */
  readonly with: "exec" | "node";
  /** Login name, or undefined for root. */
  readonly user?: string;
  /** Milliseconds, or undefined for none. */
  readonly timeout?: number;
  /** Total tries, at least 1. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubles for each further one. */
  readonly backoff: number;
  /** SHA-256 of the script's bytes, hex. */
  readonly digest: string;
}

export type Ready =
  | { readonly kind: "http"; readonly url: string; readonly status: number; readonly within: number }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly within: number }
  | { readonly kind: "run"; readonly script: Script; readonly within: number }
  | { readonly kind: "log"; readonly file: string; readonly pattern: string; readonly within: number };

export interface Action extends Script {
  readonly description: string;
}

export interface LongRun {
  readonly script: Script;
  readonly restart: "no" | "on-failure" | "always";
  readonly stop: { readonly signal: string /** Milliseconds. */; readonly grace: number };
}

/** An APT source. The key has become a file of the service's folder. */
export interface AptRepository {
  readonly url: string;
  readonly suite: string;
  readonly components: readonly string[];
  readonly key?: string;
}
export interface DnfRepository {
  readonly url: string;
  readonly name: string;
  readonly key?: string;
}
export interface ApkRepository {
  readonly url: string;
  readonly key?: string;
}
export interface Repositories {
  readonly apt: readonly AptRepository[];
  readonly dnf: readonly DnfRepository[];
  readonly apk: readonly ApkRepository[];
}

export interface Artifact {
  readonly name: string;
  /** By architecture; `any` where there is one for all. SHA-256 (hex) and bytes of the blob in the store. */
  readonly blobs: Readonly<Record<string, { readonly digest: string; readonly bytes: number }>>;
  /** `tar.gz`: unpacked into `to`; `file`: put at `to`. */
  readonly kind: "tar.gz" | "file";
  readonly to: string;
  readonly user?: string;
  readonly mode?: number;
}

export interface Secret {
  readonly phases: readonly (Phase | "process")[];
  /** Where the machine itself can get it (`ssm:/shop/db`), or undefined: only the desk can send it. */
  readonly source?: string;
}

export interface When {
  /** Its parameters rule it out, and how: known when the project was compiled. */
  readonly off?: string;
  readonly os?: readonly string[];
  readonly arch?: readonly string[];
  readonly provider?: readonly string[];
}

export interface Service {
  readonly name: string;
  readonly description: string;
  /** Folder in the bundle, with the service's own files: `services/web`. */
  readonly dir: string;
  /** SHA-256 over the compiled definition and all files of the folder: the service's part in an image key. */
  readonly digest: string;
  readonly renamedFrom: readonly string[];
  readonly requires: readonly string[];
  readonly after: readonly string[];
  readonly when: When;
  readonly needs: readonly string[];
  readonly repositories: Repositories;
  readonly packages: Readonly<Record<PackageManager, readonly string[]>>;
  readonly packagesAfter: readonly string[];
  readonly artifacts: readonly Artifact[];
  /** Values by the name written in the file (`dbHost`); the variable is `DB_HOST`, see `variableName()`. */
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly secrets: Readonly<Record<string, Secret>>;
  /** Extra variables. Values may hold `{params.x}` and `{fact}`; resolved on the machine. */
  readonly env: Readonly<Record<string, string>>;
  readonly phases: Readonly<Partial<Record<Phase, Script>>>;
  readonly ready?: Ready;
  readonly actions: Readonly<Record<string, Action>>;
  readonly process?: LongRun;
  readonly locks: readonly string[];
  readonly onInitChange: "warn" | "rerun" | "fail";
  readonly onFailure: "block" | "ignore";
}

/** What an instance of EC2 tells AWS of its boots, where its role permits; absent: nothing. */
export interface BootTelling {
  /** Launch lifecycle hook of the Auto Scaling group that it is in. */
  readonly lifecycleHook?: string;
  /** Log group of CloudWatch Logs. */
  readonly logGroup?: string;
  /** The tag `bootlace:state`. */
  readonly stateTag?: true;
}

/** Everything a machine needs to know about a project. Services are sorted by name; every name in `requires` is there. */
export interface Project {
  readonly format: 1;
  readonly name: string;
  /** Roots when nobody asks for others. */
  readonly roots: readonly string[];
  readonly services: readonly Service[];
  /** Older runners pass over it. Its name comes after `name`: a desk reads the beginning of a machine's project.json. */
  readonly telling?: BootTelling;
}
