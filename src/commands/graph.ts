import { BootlaceError, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { makeGraphView } from "../graph/graph-view.ts";
import { drawMermaid } from "../graph/mermaid.ts";
import { drawSvg } from "../graph/svg.ts";
import { drawTree } from "../graph/tree.ts";
import { loadProject } from "../project/load-project.ts";

/** `bootlace graph [SERVICE…] [--all] [--mermaid|--svg]` */
const run: CommandRun = async ({ dir, args, options, json, stdout }) => {
  if ([options.mermaid, options.svg, json].filter(Boolean).length > 1) {
    throw new BootlaceError("E_USAGE", "Expected at most one of --mermaid, --svg and --json");
  }
  const { project } = await loadProject(dir);
  const names = project.services.map(({ name }) => name);
  for (const name of args) {
    if (names.includes(name)) continue;
    const near = didYouMean(name, names);
    throw new BootlaceError(
      "E_UNKNOWN_SERVICE",
      `No service is called "${name}"`,
      near ? { hint: `Did you mean "${near}"?` } : {},
    );
  }
  const everything = options.all === true || (args.length === 0 && project.roots.length === 0);
  const view = makeGraphView(
    project.services,
    args.length > 0 ? args : everything ? topsOf(project.services) : project.roots,
  );
  if (json) stdout.write(`${JSON.stringify(view, null, 2)}\n`);
  else stdout.write(options.mermaid ? drawMermaid(view) : options.svg ? drawSvg(view) : drawTree(view));
  return EXIT.ok;
};

/** Services that nothing requires: from them everything can be reached. */
function topsOf(services: readonly { name: string; requires: readonly string[] }[]): string[] {
  const required = new Set(services.flatMap(({ requires }) => requires));
  return services.map(({ name }) => name).filter((name) => !required.has(name));
}

export default run;
