import { text } from "node:stream/consumers";
import { findInSystem } from "./find-in-system.ts";

/** What the desk sends after the program, on one line. */
export interface Wanted {
  readonly needles: readonly { readonly name: string; readonly base64: string }[];
  /** Milliseconds since the build began; the machine's clock may be another than the desk's. */
  readonly age: number;
}

const { needles, age } = JSON.parse(await text(process.stdin)) as Wanted;
const finds = await findInSystem(
  needles.map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, "base64") })),
  Date.now() - age,
);
process.stdout.write(JSON.stringify(finds));
