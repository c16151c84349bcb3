import { inParallel } from "../../store/in-parallel.ts";
import type { ImageCopy, Origin, PublishedImage, Publishing } from "../machine.ts";
import { copyAmi, copyTarget } from "./copy-ami.ts";
import { ec2Client } from "./ec2-client.ts";
import { markAmi } from "./mark-ami.ts";
import { offerAmi } from "./offer-ami.ts";
import { TAG, tagOf } from "./tags.ts";

/** A desk that was killed after it had recorded an AMI, and before it had marked it, left it to gc. */
async function markMissing(origin: Origin): Promise<void> {
  const api = await ec2Client(origin.region);
  const { Images: [image] = [] } = await api.describeImages({ ImageIds: [origin.ami ?? ""] });
  if (tagOf(image?.Tags, TAG.build) !== "" && tagOf(image?.Tags, TAG.state) !== "good") await markAmi(origin, "good");
}

/** CopyImage allows more at a time to one region; these are different ones. */
const REGIONS_AT_ONCE = 4;

/**
 * Makes what bootlace.yaml asks of a proven AMI and is not there yet: copies in regions, who may use it, its dates. Each
 * copy is recorded when it can be used, so that a desk that is killed loses none. One region that fails keeps no other
 * from its turn.
 *
 * @param every milliseconds between two looks.
 * @throws {BootlaceError} the first failure, when the rest is done.
 */
export async function publishAmi(image: PublishedImage, tools: Publishing, every: number): Promise<void> {
  const { origin, copies, created, hardware } = image;
  const config = hardware.ec2 ?? {};
  const missing = (config.copies ?? [])
    .map(copyTarget)
    .filter(({ region }) => region !== origin.region && !copies.some((copy) => copy.region === region));
  const failures: unknown[] = [];
  const trying = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      failures.push(error);
    }
  };
  const offered = (copy: ImageCopy) => trying(() => offerAmi(copy.origin, config, created));
  await inParallel(REGIONS_AT_ONCE, missing, (target) =>
    trying(() =>
      tools.step(`copy to ${target.region}`, async (progress) => {
        const copy = {
          region: target.region,
          origin: await copyAmi(image, target, { every, progress, signal: tools.signal }),
        };
        await tools.onCopy(copy);
        await markAmi(copy.origin, "good");
        await offered(copy);
      }),
    ),
  );
  for (const each of [origin, ...copies.map((copy) => copy.origin)])
    await trying(async () => {
      await markMissing(each);
      await offerAmi(each, config, created);
    });
  if (failures.length > 0) throw failures[0];
}
