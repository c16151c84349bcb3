import { EXIT, shownBytes } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { plural } from "../cli/plural.ts";
import { age } from "../image/age.ts";
import { imageNamed, isHere, placeOfFiles } from "../image/find-image.ts";
import { type ImageRecord, imageName } from "../image/image-record.ts";
import { imageUsers } from "../image/image-users.ts";
import { openRecords } from "../image/records/open-records.ts";
import { allProviders, placeOf } from "../machine/providers.ts";

type Row = readonly [string, string];

/** `bootlace image show NAME[/ID]` */
const imageShow: CommandRun = async ({ dir, args, json, stdout }) => {
  const image = await imageNamed(await openRecords(dir), args[0] ?? "");
  const users = await imageUsers(dir, image);
  if (json) {
    stdout.write(`${JSON.stringify({ ...image, users }, null, 2)}\n`);
    return EXIT.ok;
  }
  const rows: readonly Row[] = [
    ["image", imageName(image)],
    ["state", [image.state, image.reason].filter(Boolean).join(": ")],
    ...(image.logs === undefined ? [] : [["logs", image.logs] as const]),
    ["age", `${age(Date.now() - image.created)} (${new Date(image.created).toISOString()})`],
    ["made from", image.parent ? imageName(image.parent) : originOf(image)],
    ["line of", image.lineage],
    ["used by", users.join(", ") || "nothing"],
    ["provider", `${image.provider}, ${image.arch}`],
    ...(image.provenance === "imported" ? [["made", "by hand, and imported"] as const] : []),
    ["roots", image.roots.join(", ")],
    ["bundle", image.bundle],
    ["runtime", image.runtime],
    ...(image.builder === "" ? [] : [["built by", `Bootlace ${image.builder}`] as const]),
    ["key", image.key],
    ...filesOf(dir, image),
    ...image.services.map((service): Row => ["service", `${service.name}  ${service.digest.slice(0, 12)}`]),
    ...paramsOf(image),
    ...image.secrets.map((name): Row => ["secret", name]),
    ...Object.entries(image.tags).map(([key, value]): Row => ["tag", `${key}=${value}`]),
    ["packages", `${image.packages.length} installed; --json lists them`],
    ...inventoryOf(image),
  ];
  for (const [name, value] of rows) stdout.write(`${name.padEnd(10)} ${value}`.trimEnd().concat("\n"));
  return EXIT.ok;
};

export default imageShow;

/** An image may be of a provider that this version does not have. */
function originOf({ provider, origin, base }: ImageRecord): string {
  const known = allProviders().find(({ name }) => name === provider);
  const noted = Object.values(origin).join(", ");
  return (noted === "" ? undefined : known?.describeOrigin?.(origin)) ?? (noted || base);
}

function filesOf(dir: string, image: ImageRecord): readonly Row[] {
  const { provider, origin, layers, copies, state } = image;
  const copied = copies.map((copy): Row => ["copy", placeOf(provider, copy.origin)]);
  const kept = placeOf(provider, origin);
  if (layers.length === 0) return [...(kept === "" ? [] : [["kept as", kept] as const]), ...copied];
  const own = layers.map((layer): Row => ["layer", `${layer.digest}  ${shownBytes(layer.bytes)}`]);
  return state === "gone" || isHere(dir, image) ? own : [...own, ["files", `at ${placeOfFiles(image)}`]];
}

const paramsOf = ({ params }: ImageRecord): readonly Row[] =>
  Object.entries(params).flatMap(([service, values]) =>
    Object.entries(values).map(
      ([name, { value, from }]): Row => ["param", `${service}.${name} = ${JSON.stringify(value)}  (${from})`],
    ),
  );

function inventoryOf({ inventory }: ImageRecord): readonly Row[] {
  if (!inventory) return [];
  const files = Object.values(inventory.files).reduce((sum, each) => sum + Object.keys(each).length, 0);
  return [
    ["ports", inventory.ports.join(", ") || "none"],
    [
      "inventory",
      `${plural(inventory.units.length, "unit")}, ${plural(inventory.users.length, "user")}, ${plural(files, "file")}; image diff compares them`,
    ],
  ];
}
