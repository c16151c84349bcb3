import { afterEach } from "vitest";
import { MachineRig, type ServiceSketch } from "./machine-rig.ts";

/** Makes machines that are gone when the test is: `const machine = useRigs()` at the head of a file. */
export function useRigs(): (roots: string[], services: Record<string, ServiceSketch>) => MachineRig {
  const rigs: MachineRig[] = [];
  afterEach(() => {
    for (const rig of rigs.splice(0)) rig.dispose();
  });
  return (roots, services) => {
    const rig = new MachineRig(roots, services);
    rigs.push(rig);
    return rig;
  };
}
