import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { crashTorture } from "../selftest/crash-torture.ts";

/** `bootlace selftest --crash [--random N]`: proves on this machine that a killed run is taken up rightly. */
const selftest: CommandRun = async ({ options, json, stdout, signal }) => {
  if (options.crash !== true)
    throw new BootlaceError("E_USAGE", "Expected --crash: the selftest that this version has");
  const random = typeof options.random === "number" ? options.random : 20;
  const report = await crashTorture({
    random,
    signal,
    onCase: (done, total) => {
      if (stdout.isTTY && !json) stdout.write(`\rkilled ${done} of ${total} times`);
    },
  });
  if (json) stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { writes, faults } = report;
    stdout.write(
      `${stdout.isTTY ? "\r" : ""}killed after each of ${writes} journal writes and at ${random} random moments\n`,
    );
    stdout.write(
      faults.length === 0
        ? "every next run ended as if nothing had happened, and no finished init ran twice\n"
        : `${faults.join("\n")}\n`,
    );
  }
  return report.faults.length === 0 ? EXIT.ok : EXIT.serviceFailed;
};

export default selftest;
