import type { Event } from "../../../stage2/index.ts";
import { type ImageRecord, imageName } from "../../image/image-record.ts";
import { alterRecord } from "../../image/records/alter-record.ts";
import { recordsOf } from "../../image/records/open-records.ts";
import { deskStep } from "../../machine/desk-step.ts";
import { fillNames } from "../../machine/fill-names.ts";
import type { Provider, Publishing } from "../../machine/machine.ts";
import { hardwareOf } from "../../machine/machine-source.ts";
import { loadProject } from "../../project/load-project.ts";
import type { RuntimeArch } from "../../runtime/pinned.ts";
import { imageConfig } from "./image-config.ts";

export interface PublishOptions {
  readonly dir: string;
  readonly provider: Provider;
  readonly report: (event: Event) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes of a good image what bootlace.yaml asks for beyond its being there: copies in regions, who may use it, its dates.
 * The image stays good whatever becomes of that; `bootlace build` makes what is missing when it is called again.
 *
 * @returns the record with the copies.
 * @throws what the provider throws.
 */
export async function publishImage(image: ImageRecord, options: PublishOptions): Promise<ImageRecord> {
  const { dir, provider, report, signal } = options;
  if (!provider.publishImage) return image;
  const loaded = await loadProject(dir);
  const config = imageConfig(loaded, image.name);
  const ec2 = fillNames(config.ec2, `images.${image.name}`, (service, name) => image.params[service]?.[name]?.value);
  const records = await recordsOf(loaded.dir, loaded.config);
  const of = `image ${image.name}`;
  const step: Publishing["step"] = (name, act) =>
    deskStep(report, { step: name, of }, () =>
      act((done) => report({ t: Date.now(), k: "desk-progress", step: name, of, done, total: 100, unit: "items" })),
    );
  await provider.publishImage(
    {
      name: imageName(image),
      project: loaded.config.name,
      created: image.created,
      origin: image.origin,
      copies: image.copies,
      hardware: hardwareOf({ ...config, ec2 }, image.arch as RuntimeArch),
    },
    {
      step,
      signal,
      onCopy: async (copy) => {
        await alterRecord(records, image, ({ copies }) => ({
          copies: [...copies.filter(({ region }) => region !== copy.region), copy],
        }));
      },
    },
  );
  return (await records.get(image.name, image.id)) ?? image;
}
