import { createReporter, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { logAt } from "../machine/run/log-at.ts";
import { assertRunEnded } from "../machine/run/run-phase.ts";
import { bringUp } from "../machine/up.ts";
import { watchServices } from "../machine/watch-services.ts";
import { commandLineParams } from "../project/command-line-params.ts";
import { textsOf } from "./texts-of.ts";

/** `bootlace up MACHINE|IMAGE [-s SERVICE…] [--watch]` */
const up: CommandRun = async ({ dir, args, options, json, stdout, signal }) => {
  const [target = ""] = args;
  const reporter = createReporter({ stream: stdout, json });
  const services = options.service === undefined ? undefined : textsOf(options.service);
  const on = typeof options.on === "string" ? { on: options.on } : {};
  const onEvent = json ? reporter : logAt(target, reporter);
  const params = await commandLineParams(dir, textsOf(options.param));
  const once = () => bringUp({ dir, target, params, ...(services ? { services } : {}), ...on, onEvent, signal });
  try {
    const { close, machine } = await once();
    if (options.watch !== true) assertRunEnded(close, `machine ${machine.name}`);
    if (!json) stdout.write(`${machine.name} is up. A shell: bootlace shell ${machine.name}\n`);
    if (options.watch === true) {
      await watchServices(
        dir,
        signal,
        async () => {
          await once();
        },
        (error) => void stdout.write(`${error instanceof Error ? error.message : error}\n`),
        () => json || stdout.write("Watching the project's services; Ctrl-C ends it, the machine stays\n"),
      );
    }
    return EXIT.ok;
  } finally {
    reporter.close();
  }
};

export default up;
