import { VERSION } from "../cli/version.ts";

/** The files of `bootlace new`: small, complete, and without faults. */
export function starterProject(name: string): Record<string, string> {
  return {
    "bootlace.yaml": `# yaml-language-server: $schema=./.bootlace/schema/bootlace.schema.json
name: ${name}
bootlace: ">=${VERSION.split(".").slice(0, 2).join(".")}"
services: [hello] # what machines run when nobody asks for others

images:
  base: { on: sandbox }
`,
    ".gitignore": ".bootlace/\n",
    ...starterService("hello", undefined),
  };
}

/** The files of `bootlace new service`. */
export function starterService(name: string, base: string | undefined): Record<string, string> {
  const modeline = "# yaml-language-server: $schema=../../.bootlace/schema/service.schema.json";
  if (base !== undefined) {
    return { [`services/${name}/service.yaml`]: `${modeline}\ndescription: ${title(name)}\nextends: ${base}\n` };
  }
  return {
    [`services/${name}/service.yaml`]: `${modeline}
description: ${title(name)}
params:
  greeting: { type: string, default: "Hello", description: What the file says }
init: |
  # Runs once; its work stays in the image. The folder $BOOTLACE_STATE lasts.
  date > "$BOOTLACE_STATE/made"
update: ./update.sh
`,
    [`services/${name}/update.sh`]: `#!/bin/sh -eu
# Runs at every boot. What it prints is kept in the run's log; what it writes to $BOOTLACE_OUTPUT is handed to dependents.
echo "$GREETING from ${name}, made on $(cat "$BOOTLACE_STATE/made")"
echo "GREETED=$GREETING" > "$BOOTLACE_OUTPUT"
`,
  };
}

const title = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");
