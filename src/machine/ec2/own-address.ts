import { isIP } from "node:net";
import { BootlaceError } from "../../../stage2/index.ts";

/** Milliseconds. */
const WITHIN = 10_000;

/**
 * This desk's address as the outside sees it, as a range of one: `203.0.113.7/32`.
 *
 * @param checkip answers the address that a request came from, as https://checkip.amazonaws.com does.
 * @throws {BootlaceError} `E_EC2_NETWORK`.
 */
export async function ownAddress(checkip: string): Promise<string> {
  const said = await ask(checkip).catch((cause: Error) => {
    throw unknown(checkip, cause.message, cause);
  });
  const family = isIP(said);
  if (family === 0) throw unknown(checkip, `it answered ${JSON.stringify(said.slice(0, 60))}`);
  return `${said}/${family === 4 ? 32 : 128}`;
}

async function ask(checkip: string): Promise<string> {
  const answer = await fetch(checkip, { signal: AbortSignal.timeout(WITHIN) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.text()).trim();
}

const unknown = (checkip: string, why: string, cause?: unknown): BootlaceError =>
  new BootlaceError("E_EC2_NETWORK", `This desk's own address could not be learnt from ${checkip}: ${why}`, {
    hint: "Name who may connect: `ec2: {openTo: 203.0.113.7/32}`.",
    cause,
  });
