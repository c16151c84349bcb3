import type { MachineRoom } from "./machines/machine-room.ts";
import type { Fault, Misbehaviours } from "./misbehaviour.ts";
import type { RefreshPatience } from "./scaling/run-refresh.ts";
import type { Region } from "./state.ts";

/** What all actions share. */
export interface Cloud {
  readonly room: MachineRoom;
  readonly regions: ReadonlyMap<string, Region>;
  readonly misbehaviours: Misbehaviours;
  readonly patience: RefreshPatience;
  /** `http://127.0.0.1:PORT`. */
  url: string;
}

/** One request to one action. */
export interface Call<Input> {
  readonly cloud: Cloud;
  readonly region: Region;
  readonly input: Input;
  /** What else is to go wrong: faults that are in the answer, not instead of it. */
  readonly fault: Fault | undefined;
  /** Everything is checked and the change comes next. @throws {ApiError} `DryRunOperation` where that was all to do. */
  commit(): void;
}
