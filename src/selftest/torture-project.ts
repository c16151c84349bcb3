import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Services of the torture: name → what it requires. Branches that meet, a chain, one that stands alone. */
const GRAPH: Readonly<Record<string, readonly string[]>> = {
  user: [],
  base: [],
  db: ["base"],
  web: ["base", "user"],
  app: ["web", "db"],
  metrics: [],
  site: ["app", "metrics"],
};

export const TORTURED = Object.keys(GRAPH);

/**
 * Writes a project whose scripts count their own runs: each appends a line to `<world>/<service>.<phase>` when it
 * begins and one when it ends, and `site` writes what came down to it through everybody's outputs.
 */
export async function writeTortureProject(dir: string, world: string): Promise<void> {
  for (const folder of [dir, world]) await mkdir(folder, { recursive: true });
  await writeFile(join(dir, "bootlace.yaml"), "name: torture\nservices: [site]\n");
  for (const [name, requires] of Object.entries(GRAPH)) {
    const inherited = requires.map((other) => `$${other.toUpperCase()}_SEEN`).join(" ");
    const count = (phase: string, body: string): string =>
      [
        `${phase}: |`,
        `  echo begin >>"${world}/${name}.${phase}"`,
        ...body.split("\n").map((line) => `  ${line}`),
        `  echo end >>"${world}/${name}.${phase}"`,
      ].join("\n");
    const yaml = [
      `description: Counts its runs`,
      `requires: [${requires.join(", ")}]`,
      count(
        "init",
        `echo "SEEN=${name} ${inherited}" >"$BOOTLACE_OUTPUT"\necho "${name} $BOOTLACE_REASON" >"$BOOTLACE_STATE/made"`,
      ),
      count("update", `echo "${inherited}" >"${world}/${name}.seen"`),
    ];
    await mkdir(join(dir, "services", name), { recursive: true });
    await writeFile(join(dir, "services", name, "service.yaml"), `${yaml.join("\n")}\n`);
  }
}
