import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { BootlaceError } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import type { HostAccess } from "../machine/host/host-machine.ts";
import { SUDO_QUESTION } from "../session/become-root.ts";

type Asking = Pick<CommandContext, "dir" | "options" | "json" | "signal">;

/**
 * How a command gets at hosts: the key that its line vouches for, and the person at the terminal, asked once a question.
 * Sudo's password is a question of each host, unless `--ask-sudo-once` says that it is the same on all: no host is shown
 * another one's without that.
 *
 * @param read asks the person.
 */
export function hostAccess({ dir, options, json, signal }: Asking, read = readHidden): HostAccess {
  const key = options.acceptHostKey;
  if (typeof key === "string" && !/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(key))
    throw new BootlaceError("E_USAGE", `--accept-host-key expects a fingerprint such as SHA256:…, "${key}" came`, {
      hint: "On the host's console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
    });
  const answers = new Map<string, Promise<string | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  const askSecret = async (asked: string, refused?: string): Promise<string | undefined> => {
    const forAll = options.askSudoOnce === true && asked.startsWith(SUDO_QUESTION);
    const question = forAll ? `${SUDO_QUESTION} on every host of this command` : asked;
    const known = answers.get(question);
    if (known && (refused === undefined || (await known) !== refused)) return known;
    // Another host may have asked anew meanwhile.
    if (known !== answers.get(question)) return askSecret(asked, refused);
    // One at a time: a fleet's hosts ask at once.
    const answer = last.then(() => (json ? undefined : read(question, signal)));
    last = answer.catch(() => {});
    answers.set(question, answer);
    return answer;
  };
  return { dir, askSecret, ...(typeof key === "string" && { acceptHostKey: key }) };
}

/** Reads a line that is not shown; undefined without a terminal, or when nothing was typed. */
async function readHidden(question: string, signal: AbortSignal): Promise<string | undefined> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
  process.stderr.write(`${question} `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    const line = await new Promise<string>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
      lines.once("close", () => resolve(""));
      lines.question("", resolve);
    });
    return line === "" ? undefined : line;
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
