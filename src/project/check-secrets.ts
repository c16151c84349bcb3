import { didYouMean } from "../cli/did-you-mean.ts";
import type { ProjectConfig } from "../manifest/project-schema.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import type { Definition } from "./definition.ts";
import type { FaultList } from "./fault-list.ts";
import { isMapping } from "./service-source.ts";

/** The reference itself when a machine can resolve it alone, or undefined: `env:` and `desk:` come from the desk. */
export const machineSource = (reference: string | undefined): string | undefined =>
  reference !== undefined && /^(?:ssm|secretsmanager|file):/.test(reference) ? reference : undefined;

/** Phases that a machine runs at boots of its own, when nothing that the desk once sent is there any more. */
const ALONE = ["update", "process", "destroy"];

/** Holds `secrets:` of bootlace.yaml and of the services against each other. */
export function checkSecrets(
  config: ProjectConfig,
  source: SourceFile,
  { definitions, known }: { definitions: ReadonlyMap<string, Definition>; known: ReadonlySet<string> },
  faults: FaultList,
): void {
  const declared = new Set<string>();
  for (const { name, value, place } of definitions.values()) {
    if (!isMapping(value.secrets)) continue;
    for (const [secret, given] of Object.entries(value.secrets)) {
      const key = `${name}.${secret}`;
      declared.add(key);
      const reference = config.secrets[key];
      const phases = isMapping(given) && Array.isArray(given.phases) ? given.phases.map(String) : [];
      const alone = phases.filter((phase) => ALONE.includes(phase));
      if (reference === undefined) {
        if (isMapping(given) && given.optional === true) continue;
        faults.error(
          "E_SECRET_SOURCE",
          `Nothing says where the secret ${secret} of ${name} comes from`,
          place(["secrets", secret], "key"),
          {
            suggestion: `write secrets: {${key}: "ssm:/…"} into bootlace.yaml`,
          },
        );
      } else if (alone.length > 0 && machineSource(reference) === undefined) {
        faults.error(
          "E_SECRET_SOURCE",
          `${alone.join(" and ")} of ${name} will need ${secret} after a reboot, when what the desk sent is gone`,
          source.place(["secrets", key]),
          {
            related: { message: "declared here", place: place(["secrets", secret], "key") },
            suggestion: "name a source the machine can reach: ssm:, secretsmanager:, file:",
          },
        );
      }
    }
  }
  for (const key of Object.keys(config.secrets)) {
    const service = key.slice(0, key.lastIndexOf("."));
    // What a service with faults declares is not known yet.
    if (declared.has(key) || (known.has(service) && definitions.get(service)?.trimmed !== false)) continue;
    const near = didYouMean(key, declared);
    faults.error("E_UNKNOWN_SECRET", `No service declares the secret "${key}"`, source.place(["secrets", key], "key"), {
      suggestion: near && `did you mean "${near}"?`,
    });
  }
}
