import { BootlaceError, EXIT, shownBytes } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { age } from "../image/age.ts";
import { findImage, type ImageRecord } from "../image/image-record.ts";
import { imageUsers } from "../image/image-users.ts";
import { allProviders, placeOf } from "../machine/providers.ts";

/** `bootlace image show NAME[/ID]` */
const imageShow: CommandRun = async ({ dir, args, json, stdout }) => {
  const [target = ""] = args;
  const image = await findImage(dir, target);
  if (!image)
    throw new BootlaceError("E_IMAGE_UNKNOWN", `There is no image ${target}`, {
      hint: "`bootlace image ls` lists them.",
    });
  const users = await imageUsers(dir, image);
  if (json) {
    stdout.write(`${JSON.stringify({ ...image, users }, null, 2)}\n`);
    return EXIT.ok;
  }
  const rows: readonly (readonly [string, string])[] = [
    ["image", `${image.name}/${image.id}`],
    ["age", `${age(Date.now() - image.created)} (${new Date(image.created).toISOString()})`],
    ["made from", image.parent ? `${image.parent.name}/${image.parent.id}` : originOf(image)],
    ["used by", users.join(", ") || "nothing"],
    ["provider", `${image.provider}, ${image.arch}`],
    ["roots", image.roots.join(", ")],
    ["bundle", image.bundle],
    ["runtime", image.runtime],
    ["key", image.key],
    ...(image.layers.length > 0 ? [] : [["kept as", placeOf(image.provider, image.origin)] as const]),
    ...image.layers.map((layer) => ["layer", `${layer.digest}  ${shownBytes(layer.bytes)}`] as const),
    ...image.services.map((service) => ["service", `${service.name}  ${service.digest.slice(0, 12)}`] as const),
    ["packages", `${image.packages.length} installed; --json lists them`],
  ];
  for (const [name, value] of rows) stdout.write(`${name.padEnd(10)} ${value}\n`);
  return EXIT.ok;
};

/** An image may be of a provider that this version does not have. */
function originOf({ provider, origin }: Pick<ImageRecord, "provider" | "origin">): string {
  const known = allProviders().find(({ name }) => name === provider);
  return known?.describeOrigin?.(origin) ?? Object.values(origin).join(", ");
}

export default imageShow;
