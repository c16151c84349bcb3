import type { OptionSpec } from "../command.ts";

/** What every command takes that may reach a host. */
export const acceptHostKey: OptionSpec = {
  flags: "--accept-host-key <fingerprint>",
  summary: "Vouch for a host's key: SHA256:…, compared with the host's console",
};

/** What a command takes that may reach many. */
export const askSudoOnce: OptionSpec = {
  flags: "--ask-sudo-once",
  summary: "Sudo's password is the same on all hosts: ask once, and give it to each",
};
