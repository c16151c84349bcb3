import { BootlaceError, type Project, variableName } from "../../stage2/index.ts";
import type { Session } from "../session/session.ts";

/** An action that a machine offers, by the bundle that runs there. */
export interface Offered {
  readonly action: string;
  readonly description: string;
  readonly user: string;
  /** The service's parameters there, by the variable that the script sees. */
  readonly params: Readonly<Record<string, string>>;
}

const PROJECT = `
bundle=
while read -r line; do case $line in bundle=*) bundle=\${line#*=} ;; esac; done </var/lib/bootlace/current 2>/dev/null
cat "/var/lib/bootlace/bundles/$bundle/project.json" 2>/dev/null
`;

/** @throws {BootlaceError} `E_NOT_DELIVERED`. */
export async function listActions(session: Session, target: string, signal: AbortSignal): Promise<readonly Offered[]> {
  const { stdout } = await session.exec(["sh", "-c", PROJECT], { signal });
  if (stdout === "") throw notDelivered(target);
  const { services } = JSON.parse(stdout) as Project;
  return services.flatMap(({ name, params, actions }) =>
    Object.entries(actions).map(([action, { description, user = "root" }]) => ({
      action: `${name}.${action}`,
      description,
      user,
      params: Object.fromEntries(Object.entries(params).map(([key, value]) => [variableName(key), String(value)])),
    })),
  );
}

/** A machine that was asked something before anything was brought there. */
export function notDelivered(target: string, provider = "host"): BootlaceError {
  return new BootlaceError("E_NOT_DELIVERED", `Bootlace is not on ${target} yet`, {
    hint: `Bring it there: bootlace ${provider === "host" ? "apply" : "up"} ${target}`,
  });
}
