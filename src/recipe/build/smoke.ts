import { Link } from "../../machine/run/link.ts";
import { assertRunEnded, followBoot, runAndFollow } from "../../machine/run/run-phase.ts";
import type { Step } from "../recipe.ts";
import type { BuildStart, CapturedImage } from "./build-context.ts";

/** Names the fresh machine that proves an image. */
export const smokeName = (id: string): string => `${id}-smoke`;

/** Boots a fresh machine from the image: its boot hook, update, ready; then destroy, as a real one would end. */
export const smokeStep: Step<BuildStart & CapturedImage, object> = {
  name: "smoke",
  async run({ dir, provider, id, plan, captured }, { signal, report }) {
    const base = {
      kind: "layers",
      root: captured.root,
      rootState: captured.rootState,
      layers: [...captured.parents, captured.layer],
    } as const;
    const machine = await provider.launch(
      { name: smokeName(id), dir, base, purpose: "smoke", hostname: plan.image },
      signal,
    );
    const link = new Link(machine);
    try {
      const following = { onEvent: report, signal };
      assertRunEnded(await followBoot(link, following), `image ${plan.image}, first boot`);
      if (plan.closure.some(({ phases }) => phases.destroy)) {
        const request = { phase: "destroy", purpose: "smoke", services: plan.roots } as const;
        assertRunEnded(await runAndFollow(link, request, following), `image ${plan.image}, destroy`);
      }
    } finally {
      await link.close();
    }
    await machine.dispose();
    return {};
  },
  async undo({ dir, provider, id }) {
    await (await provider.find(dir, smokeName(id)))?.dispose();
  },
};
