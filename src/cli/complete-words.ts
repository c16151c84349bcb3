import { resolve } from "node:path";
import { BootlaceError, PHASES } from "../../stage2/index.ts";

/**
 * What `bootlace __complete KIND [DIR]` prints: words of the project for the shells' completion, one a line.
 * Without a sound project there is nothing to offer, and that is no failure in the middle of somebody's typing.
 */
export async function completeWords(argv: readonly string[], cwd: string): Promise<string> {
  const [kind = "", dir = "."] = argv;
  if (kind === "phase") return lines(PHASES);
  const { loadProject } = await import("../project/load-project.ts");
  try {
    const { config, project } = await loadProject(resolve(cwd, dir));
    const machines = Object.keys(config.machines);
    if (kind === "service") return lines(project.services.map(({ name }) => name));
    if (kind === "machine") return lines(machines);
    if (kind === "image") return lines(Object.keys(config.images));
    if (kind === "channel")
      return lines([...new Set(["stable", config.boot.follow])].filter((name) => name !== "none"));
    if (kind === "target")
      return lines([...machines, ...Object.keys(config.groups).map((name) => `@${name}`), "--here"]);
    if (kind === "step") {
      return lines(
        project.services.flatMap(({ name, phases }) => Object.keys(phases).map((phase) => `${name}.${phase}`)),
      );
    }
    return "";
  } catch (error) {
    if (error instanceof BootlaceError) return "";
    throw error;
  }
}

const lines = (words: readonly string[]): string => words.map((word) => `${word}\n`).join("");
