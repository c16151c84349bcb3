import { randomBytes } from "node:crypto";
import { BootlaceError, createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { providerNamed } from "../machine/providers.ts";
import { applyToMachine, makePayload } from "../machine/run/apply-to-machine.ts";
import type { Link } from "../machine/run/link.ts";
import { watchServices } from "../machine/watch-services.ts";
import { loadProject } from "../project/load-project.ts";
import { removeLedger, thisDesk, writeLedger } from "../recipe/ledger.ts";
import { runRecipe } from "../recipe/run-recipe.ts";
import { testRecipe } from "../recipe/test/test-recipe.ts";
import { deskArch } from "../runtime/pinned.ts";

/** How long `gc` leaves a test alone whose desk seems to live, in milliseconds. */
const EXPIRES = 3_600_000;

/** `bootlace test SERVICE… [--on PROVIDER] [--shell] [--watch]` */
const test: CommandRun = async ({ dir, args, options, json, stdout, signal }) => {
  const loaded = await loadProject(dir);
  const provider = providerNamed(typeof options.on === "string" ? options.on : "sandbox");
  const payload = await makePayload(loaded, args, provider, deskArch());
  if ((options.shell || options.watch) && json)
    throw new BootlaceError("E_USAGE", "--shell and --watch have no JSON form");
  const id = `test-${randomBytes(3).toString("hex")}`;
  const now = Date.now();
  const entry = { id, of: `test ${args.join(" ")}`, created: now, expires: now + EXPIRES, desk: thisDesk() };
  await writeLedger(loaded.dir, { ...entry, provider: provider.name, machines: [id], folders: [], state: "running" });
  const reporter = createReporter({ stream: stdout, json });
  const visit = async (link: Link): Promise<void> => {
    reporter.close();
    if (options.watch === true) await watchAndApply(link);
    else if (options.shell === true) await openShell(link);
  };
  const watchAndApply = (link: Link): Promise<void> => {
    const act = async () => {
      const changed = await makePayload(await loadProject(dir), args, provider, deskArch());
      await applyToMachine(link, changed, { onEvent: reporter, signal });
    };
    return watchServices(
      loaded.dir,
      signal,
      act,
      (error) => void stdout.write(`${error instanceof Error ? error.message : error}\n`),
      () => stdout.write("Watching the project's services; Ctrl-C ends the test\n"),
    );
  };
  const openShell = async (link: Link): Promise<void> => {
    const session = await link.session(signal);
    await session.shell({ stdin: process.stdin, stdout: process.stdout, signal });
  };
  try {
    const start = {
      dir: loaded.dir,
      provider,
      id,
      base: provider.defaultBase,
      payload,
      ...(options.shell || options.watch ? { visit } : {}),
    };
    await runRecipe(testRecipe, start, { of: entry.of, report: reporter, signal });
    return EXIT.ok;
  } finally {
    reporter.close();
    if (!(await provider.find(loaded.dir, id))) await removeLedger(loaded.dir, id);
  }
};

export default test;
