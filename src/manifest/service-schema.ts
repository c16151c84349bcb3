import * as z from "zod";
import { PACKAGE_MANAGERS, PHASES } from "../../stage2/index.ts";
import { PACKAGE_NAME, VARIABLE_NAME } from "./names.ts";
import {
  absolutePath,
  durationText,
  expected,
  flag,
  list,
  login,
  oneOf,
  oneOrMore,
  paramName,
  paramValue,
  plainName,
  serviceName,
  text,
  whole,
  wholeOrReference,
} from "./schema-parts.ts";

/** Shell, or `./file`. */
const run = text("inline shell or a file such as ./update.sh");

const scriptKeys = {
  run: run.describe("Inline shell, or a file of the service: `./update.sh`, `./update.ts`"),
  user: login.optional().describe("Login that runs it; default root"),
  timeout: durationText.optional().describe("After this the whole process group is ended; default: no limit"),
  attempts: whole(1, 100).optional().describe("Tries in all; default 1"),
  backoff: durationText.optional().describe("Wait before the second try; doubles for each further one; default 1s"),
};

const script = z.union([run, z.strictObject(scriptKeys)], expected("inline shell, a file or a mapping with `run`"));

const action = z.union(
  [run, z.strictObject({ ...scriptKeys, description: text("text").optional().describe("Shown in lists") })],
  expected("inline shell, a file or a mapping with `run`"),
);

const packageName = z.string(expected("a package's name")).regex(PACKAGE_NAME, expected("a package's name"));
const packageList = list(packageName, "a list of package names");
const packages = z.union(
  [packageList, z.strictObject(Object.fromEntries(PACKAGE_MANAGERS.map((name) => [name, packageList.optional()])))],
  expected("a list of package names, or a mapping of lists by apt, dnf and apk"),
);

const url = z.string(expected("a URL")).regex(/^(?:https?|file):\S+$/, expected("an http, https or file URL"));
const key = text("a file such as ./repo.asc").optional().describe("Signing key, a file of the service");
const repositories = z.strictObject(
  {
    apt: list(
      z.strictObject({
        url,
        suite: text("the suite's name"),
        components: list(text("text"), "a list of components").optional().describe("Default: main"),
        key,
      }),
      "a list of repositories",
    ).optional(),
    dnf: list(z.strictObject({ url, name: plainName.optional(), key }), "a list of repositories").optional(),
    apk: list(z.strictObject({ url, key }), "a list of repositories").optional(),
  },
  expected("a mapping by apt, dnf and apk"),
);

const sha256 = z.string(expected("a SHA-256 digest")).regex(/^[0-9a-f]{64}$/, expected("64 hexadecimal digits"));
const artifact = z.strictObject(
  {
    from: text("a path at the desk, https://, s3:// or a git address").describe(
      "Path below the project's folder, https://, s3://bucket/key, or a git address; `{arch}` stands for x86_64 and arm64",
    ),
    to: absolutePath.describe("Where it goes on the machine: a folder for an archive, else a file"),
    user: login.optional().describe("Owner; default root"),
    mode: z
      .string(expected('text such as "0755"'))
      .regex(/^0?[0-7]{3,4}$/, expected('text such as "0755"'))
      .optional(),
    unpack: flag.optional().describe("Whether it is an archive to unpack; default: by its name, .tar.gz or .tgz"),
    sha256: z
      .union([sha256, z.partialRecord(oneOf(["x86_64", "arm64"]), sha256)], expected("a digest"))
      .optional()
      .describe(
        "SHA-256 it must have; where `from` has {arch}, a mapping by architecture that also says which there are",
      ),
    commit: text("a commit").optional().describe("Of a git repository: all 40 digits; its files come as an archive"),
  },
  expected("a mapping with `from` and `to`"),
);

const declaration = z.strictObject({
  type: oneOf(["string", "integer", "number", "boolean", "list"]).optional().describe("Default: that of `default`"),
  default: paramValue.optional().describe("Without one, bootlace.yaml must give the value"),
  min: z.number(expected("a number")).optional().describe("Smallest number, or shortest length"),
  max: z.number(expected("a number")).optional().describe("Greatest number, or greatest length"),
  enum: list(z.union([z.string(), z.number()]), "a list of values")
    .min(1, expected("at least one value"))
    .optional(),
  pattern: text("a regular expression").optional().describe("Regular expression the whole text must match"),
  description: text("text").optional(),
});
const param = z.union([paramValue, declaration], expected("a value, or a mapping with `type` and `default`"));

const secret = z.strictObject(
  {
    phases: list(oneOf([...PHASES, "process"] as const), "a list of phases").min(1, expected("at least one phase")),
    optional: flag.optional().describe("Absent where bootlace.yaml names no source; its file is then not there"),
    description: text("text").optional(),
  },
  expected("a mapping with `phases`"),
);

const ready = z
  .strictObject(
    {
      http: z
        .string(expected("a URL"))
        .regex(/^https?:\/\/\S+$/, expected("an http or https URL"))
        .optional(),
      status: wholeOrReference("an HTTP status", 100, 599).optional().describe("Default 200"),
      tcp: z
        .string(expected("host:port"))
        .regex(/^\S+:(?:\d{1,5}|\{params\.\S+\})$/, expected("host:port"))
        .optional(),
      run: script.optional().describe("Ready when it exits with 0"),
      log: absolutePath.optional().describe("File to look into, together with `pattern`"),
      pattern: text("a regular expression").optional(),
      within: durationText.optional().describe("Default 30s"),
    },
    expected("a mapping with one of http, tcp, run or log"),
  )
  .describe("When the service is ready; asked after update, and dependents' updates wait for it");

const process = z.union(
  [
    run,
    z.strictObject({
      run: scriptKeys.run,
      user: scriptKeys.user,
      restart: oneOf(["no", "on-failure", "always"]).optional().describe("Default on-failure"),
      stop: z
        .strictObject({
          signal: z
            .string(expected("a signal's name"))
            .regex(/^[A-Z][A-Z0-9]{1,9}$/, expected("a name such as TERM"))
            .optional(),
          grace: durationText.optional().describe("From the signal to KILL; default 10s"),
        })
        .optional(),
    }),
  ],
  expected("inline shell, a file or a mapping with `run`"),
);

const arch = oneOf(["x86_64", "arm64"]);
const provider = oneOf(["ec2", "qemu", "sandbox", "host"]);
const names = <T extends z.ZodType<string>>(item: T) => oneOrMore(item, "a name or a list of names").optional();
const variable = z.string().regex(VARIABLE_NAME, expected("the name of a variable"));
const serviceList = list(serviceName, "a list of services");

/** The whole of service.yaml. Its JSON Schema is `schema/service.schema.json`; docs/services.md says more on each key. */
export const serviceSchema = z.strictObject(
  {
    description: text("text").optional().describe("Shown in plan and status"),
    extends: serviceName.optional().describe("Inherit: maps merge, scripts and lists replace, null removes"),
    renamedFrom: names(serviceName).describe("Names it had before; its state is carried over"),
    requires: serviceList.optional().describe("In the closure; done, and ready, before this one"),
    after: serviceList.optional().describe("Order only, when both are there"),
    when: z
      .strictObject(
        {
          os: names(plainName),
          arch: names(arch),
          provider: names(provider),
          params: z
            .record(paramName, paramValue, expected("a mapping of parameters"))
            .optional()
            .describe("Values of its own parameters; a list: one of them"),
        },
        expected("a mapping of os, arch, provider and params"),
      )
      .optional()
      .describe("False: skipped, and counts as satisfied for dependents"),
    needs: names(plainName).describe("What the machine must have; refused before anything runs"),
    repositories: repositories.optional().describe("Added before packages"),
    packages: packages.optional().describe("A plain list means every manager"),
    packagesAfter: serviceList.optional().describe("Install in a later transaction than these services' packages"),
    artifacts: z.record(plainName, artifact).optional().describe("Big things: blobs of their own, not in the bundle"),
    params: z.record(paramName, param).optional().describe("Variables in all scripts: dbHost is DB_HOST"),
    secrets: z.record(paramName, secret).optional().describe("Files, only in the phases named"),
    env: z
      .record(variable, z.union([z.string(), z.number(), z.boolean()], expected("text")))
      .optional()
      .describe("More variables; may refer to params and facts"),
    init: script.optional().describe("Once per machine lineage; stays in the image"),
    update: script.optional().describe("At every boot"),
    ready: ready.optional(),
    seal: script.optional().describe("Before an image is captured"),
    destroy: script.optional().describe("At the end of life"),
    actions: z.record(plainName, action).optional().describe("Scripts that run when somebody asks"),
    process: process.optional().describe("A program that keeps running; this version checks it and does not start it"),
    locks: list(plainName, "a list of names").optional().describe("Scripts that share a lock never overlap"),
    onInitChange: oneOf(["warn", "rerun", "fail"])
      .optional()
      .describe("When an init differs from the one that ran; default warn"),
    onFailure: oneOf(["block", "ignore"]).optional().describe("Whether a failure blocks dependents; default block"),
  },
  expected("a mapping"),
);

export type ServiceManifest = z.output<typeof serviceSchema>;
export type ScriptManifest = z.output<typeof script>;
export type ParamDeclaration = z.output<typeof declaration>;
