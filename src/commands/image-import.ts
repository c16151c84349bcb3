import { createHash, randomBytes } from "node:crypto";
import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { VERSION } from "../cli/version.ts";
import { type ImageRecord, imageName } from "../image/image-record.ts";
import { recordsOf } from "../image/records/open-records.ts";
import { allProviders, placeOf } from "../machine/providers.ts";
import { PLAIN_NAME } from "../manifest/names.ts";
import { loadConfig } from "../project/load-config.ts";
import { stampOf } from "../recipe/build/stamp-of.ts";

/** `bootlace image import NAME AMI [--region R] [--login USER]`: an image that was made by hand. */
const imageImport: CommandRun = async ({ dir, args, options, json, stdout }) => {
  const [name = "", id = ""] = args;
  if (!PLAIN_NAME.test(name)) throw new BootlaceError("E_USAGE", `Expected an image's name such as web, ${name} came`);
  const config = loadConfig(dir);
  const provider = allProviders().find(({ adoptImage }) => adoptImage);
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const region = text(options.region) ?? config.images[name]?.ec2?.region ?? config.region;
  const login = text(options.login) ?? config.images[name]?.login;
  const adopted = await provider?.adoptImage?.(id, region, login);
  if (!provider || !adopted) throw new Error("no provider of this version takes images in");
  const { origin, arch, created, bytes, warnings } = adopted;
  const records = await recordsOf(dir, config);
  const place = placeOf(provider.name, origin);
  const known = (await records.all()).find(
    (image) => image.state !== "gone" && placeOf(image.provider, image.origin) === place,
  );
  if (known)
    throw new BootlaceError("E_RECORD_TAKEN", `${place} is ${imageName(known)} already`, {
      hint: `See \`bootlace image show ${imageName(known)}\`.`,
    });
  const now = Date.now();
  const own = { name, id: `${stampOf(now)}-${randomBytes(2).toString("hex")}` };
  const keyParts = { format: 1, provider: provider.name, arch, imported: place };
  const image: ImageRecord = {
    format: 3,
    revision: 1,
    ...own,
    state: "good",
    provenance: "imported",
    created,
    times: { began: now },
    provider: provider.name,
    arch,
    key: createHash("sha256").update(JSON.stringify(keyParts)).digest("hex"),
    keyParts,
    base: place,
    lineage: imageName(own),
    roots: [],
    services: [],
    params: {},
    secrets: [],
    bundle: "",
    runtime: "",
    builder: VERSION,
    packages: [],
    origin,
    layers: [],
    ...(bytes === undefined ? {} : { bytes }),
    copies: [],
    tags: {},
  };
  await records.add(image);
  if (json) stdout.write(`${JSON.stringify(image)}\n`);
  else {
    stdout.write(`${place} is ${imageName(image)} now\n`);
    for (const warning of warnings) stdout.write(`note: ${warning}\n`);
    if (config.images[name] === undefined)
      stdout.write(
        `note: bootlace.yaml has no image ${name} yet; to start from it: images: {${name}: {on: ${provider.name}, from: {ami: ${id}}}}\n`,
      );
  }
  return EXIT.ok;
};

export default imageImport;
