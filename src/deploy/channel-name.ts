import { BootlaceError } from "../../stage2/index.ts";
import { CHANNEL_NAME, CHANNEL_RULE } from "../manifest/names.ts";

/** Returns the name. @throws {BootlaceError} `E_CHANNEL_NAME`, with a name near it that would do. */
export function channelName(name: string): string {
  // `follow: none` in bootlace.yaml means that nothing is followed.
  if (CHANNEL_NAME.test(name) && name !== "none") return name;
  const near = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/\.{2,}/g, ".")
    .replace(/^[.-]+/, "")
    .slice(0, 64)
    .replace(/[.-]+$/, "");
  const usable = near !== "" && near !== "none";
  throw new BootlaceError(
    "E_CHANNEL_NAME",
    name === "none"
      ? "No channel can be called none: in bootlace.yaml that means to follow nothing"
      : `${readable(name)} is no channel: expected ${CHANNEL_RULE}`,
    // Without a hint the code's remedy is printed, which is the rule once more.
    { hint: usable ? `"${near}" would do.` : "Such as stable, prod or eu-west.2." },
  );
}

/** In quotes, with everything escaped that a terminal acts on or does not show. */
function readable(name: string): string {
  const short = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return JSON.stringify(short).replace(
    /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu,
    (odd) => `\\u{${(odd.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Takes `channel/prod` apart. @throws {BootlaceError} `E_USAGE`, `E_CHANNEL_NAME`. */
export function channelTarget(target: string): string {
  if (target.startsWith("channel/")) return channelName(target.slice("channel/".length));
  throw new BootlaceError("E_USAGE", `Expected channel/NAME, "${target}" came`, {
    hint: `For the channel of that name: bootlace rollback channel/${channelNameNear(target)}`,
  });
}

const channelNameNear = (target: string): string => (CHANNEL_NAME.test(target) ? target : "NAME");
