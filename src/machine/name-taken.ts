import { BootlaceError } from "../../stage2/index.ts";

/** What a launch is refused with whose name another machine of the project has. */
export const nameTaken = (name: string): BootlaceError =>
  new BootlaceError("E_MACHINE_STATE", `A machine ${name} is there already`, {
    hint: `Use another name, or remove it first: bootlace destroy ${name}`,
  });
