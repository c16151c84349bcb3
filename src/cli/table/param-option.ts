import type { OptionSpec } from "../command.ts";

/** Of all commands that make something of a project's services. */
export const param: OptionSpec = {
  flags: "--param <service.name=value...>",
  summary: "A parameter, laid over those of bootlace.yaml, of the type that its service declares",
  kind: "text",
};
