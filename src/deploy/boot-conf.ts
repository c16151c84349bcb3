import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ProjectConfig } from "../manifest/project-schema.ts";

/** Where a delivery stands on a machine, and the store in it. stage1 knows this one address as the desk's own delivery. */
export const DELIVERY_FOLDER = "/var/lib/bootlace/delivery";

/** What a machine's boot.conf says; docs/contracts.md, section 4, has every key. */
interface BootConf {
  readonly store: string;
  readonly project: string;
  readonly channel?: string;
  readonly runtime: "digest" | "system";
  /** Milliseconds. */
  readonly deadline?: number;
  readonly expiry?: "warn" | "refuse";
  readonly auth?: ProjectConfig["boot"]["auth"];
  readonly keysFile?: string | undefined;
  readonly region?: string | undefined;
  readonly s3?: ProjectConfig["s3"];
  /** Instance tags that are believed. */
  readonly tags?: readonly string[];
}

/** The text of a boot.conf, which belongs to root with mode 0600. */
export function bootConfText(conf: BootConf): string {
  const lines = [
    "v=1",
    `store=${conf.store}`,
    `project=${conf.project}`,
    ...(conf.channel === undefined ? [] : [`channel=${conf.channel}`]),
    `runtime=${conf.runtime}`,
    ...(conf.auth === undefined || conf.auth === "none" ? [] : [`auth=${conf.auth}`]),
    ...given("keysfile", conf.keysFile),
    ...given("region", conf.region),
    ...given("endpoint", conf.s3?.endpoint),
    ...(conf.s3?.pathStyle === undefined ? [] : [`path-style=${conf.s3.pathStyle ? "yes" : "no"}`]),
    ...given("bucket-owner", conf.s3?.bucketOwner),
    ...(conf.deadline === undefined ? [] : [`deadline=${Math.ceil(conf.deadline / 1000)}`]),
    ...(conf.expiry === undefined ? [] : [`expiry=${conf.expiry}`]),
    ...(conf.tags === undefined || conf.tags.length === 0 ? [] : [`tags=${conf.tags.join(",")}`]),
  ];
  return `${lines.join("\n")}\n`;
}

const given = (key: string, value: string | undefined): string[] => (value === undefined ? [] : [`${key}=${value}`]);

/**
 * The boot.conf of a project's machines and images: follows the channel of `boot.follow`, or boots what is on the machine.
 *
 * @param dir Folder of the project, absolute: a store given as a path becomes a file:// address.
 */
export function machineBootConf(config: ProjectConfig, dir: string): string {
  const { follow, deadline, expiry, auth, keysFile, tags } = config.boot;
  const shared = { project: config.name, runtime: config.runtime, deadline, expiry, tags };
  if (follow === "none") return bootConfText({ ...shared, store: "none" });
  const store = /^[a-z][a-z0-9]*:/.test(config.store) ? config.store : pathToFileURL(resolve(dir, config.store)).href;
  return bootConfText({
    ...shared,
    store,
    channel: follow,
    ...(store.startsWith("s3:") ? { auth, keysFile, region: config.region, s3: config.s3 } : {}),
  });
}
