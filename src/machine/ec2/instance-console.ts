import { rename, writeFile } from "node:fs/promises";
import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../../stage2/index.ts";
import { consoleEnd, readConsole } from "../console.ts";
import { awsCode } from "./ec2-errors.ts";
import type { Ec2Files } from "./ec2-spec.ts";
import { waitFor } from "./wait.ts";

/** EC2 shows what an instance printed with a delay of minutes where it is no Nitro instance; milliseconds. */
const KEYS_WITHIN = 600_000;

/**
 * What an instance printed so far, also into the machine's folder. `Latest` is for instances on Nitro; others answer what
 * EC2 kept last.
 */
export async function fetchConsole(api: EC2, id: string, files: Ec2Files): Promise<string> {
  const text = await consoleText(api, id);
  if (text.length > 0) {
    await writeFile(`${files.console}.new`, text, { mode: 0o600 });
    await rename(`${files.console}.new`, files.console);
  }
  // A character a byte: all that is looked for is ASCII.
  return text.toString("latin1");
}

/** What an instance printed so far. */
export async function consoleText(api: EC2, id: string): Promise<Buffer> {
  const asked = api.getConsoleOutput({ InstanceId: id, Latest: true }).catch((error) => {
    if (awsCode(error) !== "UnsupportedOperation") throw error;
    return api.getConsoleOutput({ InstanceId: id });
  });
  return Buffer.from((await asked).Output ?? "", "base64");
}

/**
 * Host keys that an instance printed between cloud-init's markers, or its boot hook's; the last whole block counts.
 *
 * @param every milliseconds between two looks.
 * @throws {BootlaceError} `E_EC2_HOST_KEY` when there are none in time, with what the console shows instead.
 */
export function printedKeys(
  api: EC2,
  id: string,
  files: Ec2Files,
  {
    every,
    within = KEYS_WITHIN,
    signal,
  }: { every: number; within?: number | undefined; signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  let text = "";
  return waitFor(
    async () => {
      text = await fetchConsole(api, id, files);
      const { hostKeys } = readConsole(text);
      return hostKeys.length > 0 ? hostKeys : undefined;
    },
    {
      within,
      every,
      signal,
      passing: /^(InvalidInstanceID\.NotFound|IncorrectInstanceState)$/,
      late: () => {
        const end = consoleEnd(text);
        const shows = end === "" ? "stayed empty" : `shows no host key; its end:\n${end}`;
        return new BootlaceError(
          "E_EC2_HOST_KEY",
          `Within ${Math.ceil(within / 60_000)} min the console of ${id} ${shows}`,
          {
            hint: "Nobody can tell whom the desk would talk to. Say how it should know: `ec2: {hostKeys: planted}` puts a key into the user data, `accept` believes the first connection.",
          },
        );
      },
    },
  );
}
