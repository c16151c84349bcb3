import { BootlaceError } from "../../stage2/index.ts";
import { Hidden } from "./hidden.ts";
import type { Session } from "./session.ts";
import { SudoSession } from "./sudo-session.ts";
import type { AskSecret } from "./unlock-key.ts";

/** How the question for sudo's password begins; the host's name follows. */
export const SUDO_QUESTION = "Password for sudo";

/** Keeps sudo's password of one host for as long as the process lives, so that nobody is asked twice. */
export interface SudoMemory {
  password?: Hidden;
  /** The last one that sudo did not take. */
  refused?: Hidden;
}

/** Prints the user id, and where that is not root's, tries sudo; all in one command. */
const PROBE = `
id -u
[ "$(id -u)" = 0 ] && exit 0
command -v sudo >/dev/null 2>&1 || exit 127
LC_ALL=C exec sudo -n -H -- /bin/sh -c :
`;

/**
 * Gives a session whose commands run as root: the same one where the login user is root, else one by sudo. A password
 * is asked for at most once a host; what is kept in `memory` is tried first.
 *
 * @throws {BootlaceError} `E_SESSION_SUDO`; the session is then still open.
 */
export async function becomeRoot(
  session: Session,
  memory: SudoMemory,
  ask: AskSecret | undefined,
  signal?: AbortSignal,
): Promise<Session> {
  const options = signal ? { signal } : {};
  const probe = await session.exec(["sh", "-c", PROBE], options);
  const [uid = ""] = probe.stdout.split("\n");
  if (uid === "0") return session;
  if (probe.exit === 0) return new SudoSession(session, undefined);
  if (probe.exit === 127 && probe.stderr === "") throw sudoRefused(session, "there is no sudo on it");
  // Whoever is not in sudoers is asked for a password too, so this is the only word that leads further.
  if (!/password is required|askpass|a terminal is required/.test(probe.stderr))
    throw sudoRefused(session, probe.stderr);
  const password = memory.password ?? (await askPassword(session, ask, memory.refused));
  // The password alone: with anything behind it, sudo would take that for a second attempt.
  const test = await session.exec(["env", "LC_ALL=C", "sudo", "-k", "-S", "-H", "-p", "", "--", "/bin/sh", "-c", ":"], {
    ...options,
    stdin: `${password.reveal()}\n`,
  });
  if (test.exit !== 0) {
    delete memory.password;
    memory.refused = password;
    throw sudoRefused(session, test.stderr);
  }
  memory.password = password;
  return new SudoSession(session, password);
}

async function askPassword(session: Session, ask: AskSecret | undefined, refused?: Hidden): Promise<Hidden> {
  const password = await ask?.(`${SUDO_QUESTION} on ${session.target}`, refused?.reveal());
  // A line end in it would make two lines of what sudo reads as one.
  if (password !== undefined && password !== "" && !/[\n\0]/.test(password)) return new Hidden(password);
  throw sudoRefused(session, "sudo wants a password, and nobody can be asked for it");
}

function sudoRefused(session: Session, said: string): BootlaceError {
  const words = said
    .split("\n")
    .map((line) => line.trim())
    // The lecture that sudo gives a user the first time says nothing of the cause.
    .filter((line) => line.startsWith("sudo:") || /sorry|sudoers|may not/i.test(line) || !said.includes("sudo:"))
    .filter((line) => line !== "")
    .join("; ");
  return new BootlaceError(
    "E_SESSION_SUDO",
    `${session.target}: the login user is not root, and sudo does not let it be: ${words || "sudo said nothing"}`,
    {
      hint: "Allow the user all commands (`sudo visudo`), with `NOPASSWD:` where nobody can be asked, or log in as root.",
    },
  );
}
