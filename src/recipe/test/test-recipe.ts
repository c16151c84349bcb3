import type { Base, Machine, Provider } from "../../machine/machine.ts";
import { applyToMachine, type Payload } from "../../machine/run/apply-to-machine.ts";
import { Link } from "../../machine/run/link.ts";
import { followBoot, rebootMachine } from "../../machine/run/run-phase.ts";
import { Recipe } from "../recipe.ts";
import { followOrSaveLogs } from "../save-logs.ts";

export interface TestStart {
  readonly dir: string;
  readonly provider: Provider;
  /** Name of the throwaway machine. */
  readonly id: string;
  readonly base: Base;
  readonly payload: Payload;
  /** What a person wants to do on the machine before it goes: a shell, watching. */
  readonly visit?: (link: Link) => Promise<void>;
}

interface Launched {
  readonly machine: Machine;
  readonly link: Link;
}

/** A throwaway machine for whoever writes a service: init, update, reboot, update, ready. */
export const testRecipe = Recipe.start<TestStart>()
  .step<Launched>({
    name: "launch",
    async run({ dir, provider, id, base }, { signal }) {
      const machine = await provider.launch({ name: id, dir, base, purpose: "run", hostname: "bootlace-test" }, signal);
      return { machine, link: new Link(machine) };
    },
    async undo({ dir, provider, id, link }) {
      await link?.close();
      await (await provider.find(dir, id))?.dispose();
    },
  })
  .step<object>({
    name: "init, update",
    async run({ dir, id, link, payload }, tools) {
      const logged = { dir, id, link, where: "first boot" };
      await followOrSaveLogs(logged, tools, (following) => applyToMachine(link, payload, following));
      return {};
    },
  })
  .step<object>({
    name: "reboot",
    async run({ link }, { signal }) {
      await rebootMachine(link, signal);
      return {};
    },
  })
  .step<object>({
    name: "update",
    async run({ dir, id, link }, tools) {
      const logged = { dir, id, link, where: "second boot" };
      await followOrSaveLogs(logged, tools, (following) => followBoot(link, following));
      return {};
    },
  })
  .step<object>({
    name: "visit",
    when: ({ visit }) => visit !== undefined,
    async run({ link, visit }) {
      await visit?.(link);
      return {};
    },
  })
  .step<object>({
    name: "dispose",
    async run({ machine, link }) {
      await link.close();
      await machine.dispose();
      return {};
    },
  });
