import { superviseSandbox, tell } from "./supervise.ts";

/** `bootlace __sandbox DIR`: runs until the sandbox ends; what went wrong before it was up is told on fd 3. */
export async function runSupervisor(folder: string): Promise<0 | 70> {
  try {
    await superviseSandbox(folder);
    return 0;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${text}\n`);
    try {
      tell(text);
    } catch {
      // It was told before, and nobody waits any more.
    }
    return 70;
  }
}
