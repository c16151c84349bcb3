import { createReporter, EXIT, type ExitCode } from "../../stage2/index.ts";
import type { CommandContext } from "../cli/command.ts";
import { age } from "../image/age.ts";
import { imageName } from "../image/image-record.ts";
import { providerNamed } from "../machine/providers.ts";
import { commandLineParams } from "../project/command-line-params.ts";
import { loadConfig } from "../project/load-config.ts";
import { imageArches } from "../recipe/build/image-arches.ts";
import { imageConfig } from "../recipe/build/image-config.ts";
import { targetName } from "../recipe/build/image-order.ts";
import { planImages } from "../recipe/build/plan-images.ts";
import { textsOf } from "./texts-of.ts";

/** `bootlace plan IMAGE [--param SERVICE.NAME=VALUE…]`: what a build would do, and why. */
export async function showImagePlan(context: CommandContext, image: string): Promise<ExitCode> {
  const { dir, options, json, stdout, stderr, signal } = context;
  const config = loadConfig(dir);
  const of = (name: string) => imageConfig({ config }, name);
  of(image);
  const params = await commandLineParams(dir, textsOf(options.param));
  // Beside the plan, which may be for a program.
  const report = createReporter({ stream: stderr, json: false });
  const providerOf = (name: string) => providerNamed(of(name).on ?? "sandbox");
  const plans = await planImages(
    {
      dir,
      image,
      params,
      now: Date.now(),
      fromOf: (name) => of(name).from,
      providerOf,
      archesOf: (name) => imageArches({ config }, name, providerOf(name)),
    },
    { report, signal },
  ).finally(() => report.close());
  if (json) {
    const shown = plans.map(({ present, ...rest }) => ({ ...rest, ...(present && { present: imageName(present) }) }));
    stdout.write(`${JSON.stringify(shown)}\n`);
    return EXIT.ok;
  }
  for (const plan of plans) {
    const { what, why, present } = plan;
    const name = targetName(plan, plans);
    const there = present ? `${imageName(present)}, ${age(Date.now() - present.created)} old` : "";
    const verb = what === "build" ? "build    " : "unchanged";
    const last = what === "build" && there !== "" ? ` (last: ${there})` : there === "" ? "" : ` (${there})`;
    stdout.write(`${verb} ${name}: ${why.join(", ")}${last}\n`);
  }
  return EXIT.ok;
}
