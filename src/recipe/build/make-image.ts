import { BootlaceError, shownBytes } from "../../../stage2/index.ts";
import { type ImageRecord, imageFolder, imageName } from "../../image/image-record.ts";
import { type Needle, needlesFor } from "../../seal/needles.ts";
import { searchMachine } from "../../seal/search-machine.ts";
import { assertClean, findUnclean } from "../../seal/verify-clean.ts";
import { discardImage } from "../discard-image.ts";
import type { Step } from "../recipe.ts";
import type { BuildStart, CapturedImage, Launched, Proven, Sealed } from "./build-context.ts";
import { letGo } from "./let-go.ts";
import { unlessCaptured } from "./reach.ts";
import { beginRecord, endRecord } from "./write-record.ts";

type Reached = BuildStart & Launched;

export const stopStep: Step<Reached, object> = {
  name: "stop",
  when: unlessCaptured,
  retryFrom: "launch",
  async run({ machine, link }) {
    await link.close();
    if ((await machine.stop()) === "in order") return {};
    throw new BootlaceError("E_MACHINE_STATE", `${machine.name} did not end in time, and its power was cut`, {
      hint: `Something on it does not stop; its console says what: ${machine.console ?? "the machine's own"}`,
    });
  },
};

const detailOf = (needles: readonly Needle[]): string => `nothing of ${needles.length} values and no leftover found`;

async function unwanted({ machine, plan }: Reached): Promise<readonly Needle[]> {
  const secrets = plan.secrets.map((secret) => ({
    name: `the secret ${secret.service}.${secret.name}`,
    value: secret.reveal(),
  }));
  return [...secrets, ...(await machine.identity())].flatMap(needlesFor);
}

/** Searches the stopped machine's disk from outside: nothing that runs there can hide a thing from it. */
export const verifyStep: Step<Reached, { readonly detail: string }> = {
  name: "verify clean",
  when: ({ machine }) => !machine.searchedInside,
  async run(context, { signal }) {
    const contents = await context.machine.contents(signal);
    if (contents === undefined) return { detail: "nothing to search" };
    const needles = await unwanted(context);
    assertClean(await findUnclean(contents, needles));
    return { detail: detailOf(needles) };
  },
};

/** The last act on a machine whose disk never lies at the desk. */
export const verifyInsideStep: Step<Reached, { readonly detail: string }> = {
  name: "search inside",
  when: (context) => context.machine.searchedInside === true && unlessCaptured(context),
  retryFrom: "prepare",
  async run(context, { signal }) {
    const needles = await unwanted(context);
    assertClean(await searchMachine(await context.link.session(signal), needles, context.began, signal));
    return { detail: `${detailOf(needles)}, from inside` };
  },
};

export const captureStep: Step<Reached & Sealed, CapturedImage & { readonly detail: string }> = {
  name: "capture",
  async run(context, { signal, report }) {
    const { dir, provider, machine, plan, imageId } = context;
    await beginRecord(context);
    const captured = await machine.capture(imageFolder(dir, plan.image, imageId), signal, (done) =>
      report({
        t: Date.now(),
        k: "desk-progress",
        step: "capture",
        of: `image ${plan.image}`,
        done,
        total: 100,
        unit: "items",
      }),
    );
    return {
      captured,
      detail: captured.layer ? shownBytes(captured.layer.bytes) : (provider.locate?.(captured.origin) ?? ""),
    };
  },
  async undo({ dir, provider, plan, imageId, captured }) {
    const image = { name: plan.image, id: imageId };
    await discardImage({
      dir,
      provider,
      image,
      origin: captured?.origin,
      why: "its build was given up",
      evenGood: true,
    });
  },
};

/** The builder is of no use any more; the image stands on its own, and is not given up for what of it stays. */
export const releaseStep: Step<Reached, object> = {
  name: "release",
  async run({ machine }, tools) {
    await letGo(machine, tools);
    return {};
  },
};

/** Last of all: only an image that came up clean is good. */
export const recordStep: Step<
  Reached & Sealed & CapturedImage & Proven,
  { readonly image: ImageRecord; readonly detail: string }
> = {
  name: "record",
  async run(context) {
    const { provider, captured, ports } = context;
    const image = await endRecord(context, { state: "good", captured, ports });
    // After it: an AMI that is proven and stands in no record would be found by nobody.
    await provider.keepImage?.(captured.origin, "good");
    return { image, detail: imageName(image) };
  },
};
