import { readInventory } from "../../image/inventory.ts";
import { deliver } from "../../machine/run/deliver.ts";
import { runAndFollow } from "../../machine/run/run-phase.ts";
import { sendSecrets } from "../../machine/run/send-secrets.ts";
import { sealMachine } from "../../seal/seal-machine.ts";
import type { Step, StepTools } from "../recipe.ts";
import { followOrSaveLogs } from "../save-logs.ts";
import type { BuildStart, Launched, Sealed } from "./build-context.ts";
import { unlessCaptured } from "./reach.ts";
import { lineageOf } from "./write-record.ts";

type Reached = BuildStart & Launched;

export const deliverStep: Step<Reached, object> = {
  name: "deliver",
  when: unlessCaptured,
  retryFrom: "prepare",
  async run({ link, plan }, { signal }) {
    const session = await link.session(signal);
    await deliver(session, plan, signal);
    await sendSecrets(session, plan.secrets);
    return {};
  },
};

export const initStep: Step<Reached, object> = {
  name: "init",
  when: unlessCaptured,
  retryFrom: "prepare",
  run: (context, tools) => runPhase(context, "init", tools),
};

export const sealStep: Step<Reached, Sealed> = {
  name: "seal",
  when: unlessCaptured,
  retryFrom: "prepare",
  async run(context, tools) {
    if (context.plan.closure.some(({ phases }) => phases.seal)) await runPhase(context, "seal", tools);
    const { link, machine, plan } = context;
    const lineage = lineageOf(context);
    const sealed = await sealMachine(await link.session(tools.signal), await machine.identity(), lineage, tools.signal);
    const places = new Map(
      plan.closure.flatMap(({ name, artifacts }) => artifacts.map(({ to }) => [to, name] as const)),
    );
    return { packages: sealed.packages, inventory: readInventory(sealed.inventory, places) };
  },
};

async function runPhase({ dir, id, link, plan }: Reached, phase: "init" | "seal", tools: StepTools): Promise<object> {
  const request = { phase, purpose: "build", services: plan.roots } as const;
  const logged = { dir, id, link, where: `image ${plan.image}, ${phase}` };
  await followOrSaveLogs(logged, tools, (following) =>
    runAndFollow(link, request, { ...following, onReconnect: (session) => sendSecrets(session, plan.secrets) }),
  );
  return {};
}
