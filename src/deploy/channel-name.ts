import { BootlaceError } from "../../stage2/index.ts";

/** As stage1 takes it from boot.conf and tags: it is a file's name, an object's key and a word in messages. */
const CHANNEL = /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/;

/** Returns the name. @throws {BootlaceError} `E_CHANNEL_NAME`, with a name near it that would do. */
export function channelName(name: string): string {
  // `follow: none` in bootlace.yaml means that nothing is followed.
  if (CHANNEL.test(name) && !name.includes("..") && name !== "none") return name;
  const near = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/\.{2,}/g, ".")
    .slice(0, 64)
    .replace(/^[.-]+|[.-]+$/g, "");
  const usable = near !== "" && near !== "none";
  const rule = "lower-case letters, digits, dots and hyphens, at most 64, a letter or a digit first and last";
  throw new BootlaceError(
    "E_CHANNEL_NAME",
    name === "none"
      ? "No channel can be called none: in bootlace.yaml that means to follow nothing"
      : `"${name.replace(/[^ -~]/g, "?").slice(0, 100)}" is no channel: expected ${rule}`,
    usable ? { hint: `"${near}" would do.` } : {},
  );
}

/** Takes `channel/prod` apart. @throws {BootlaceError} `E_USAGE`, `E_CHANNEL_NAME`. */
export function channelTarget(target: string): string {
  if (target.startsWith("channel/")) return channelName(target.slice("channel/".length));
  throw new BootlaceError("E_USAGE", `Expected channel/NAME, "${target}" came`, {
    hint: `For the channel of that name: bootlace rollback channel/${channelNameNear(target)}`,
  });
}

const channelNameNear = (target: string): string => (CHANNEL.test(target) ? target : "NAME");
