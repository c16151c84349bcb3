/** What `bootlace deploy --notify` announces: the text of an SNS message, as JSON. */
export interface Deployment {
  /** Version of this form. */
  readonly bootlace: 1;
  /** Names the folder of results. */
  readonly deployment: string;
  readonly project: string;
  readonly channel: string;
  /** To be updated; none: what the machine runs anyway. */
  readonly services: readonly string[];
}

const NAME = /^[a-z0-9][a-z0-9/._-]{0,127}$/;

/** @throws {Error} For anything that is none. */
export function parseDeployment(text: string): Deployment {
  const given: Partial<Record<keyof Deployment, unknown>> = JSON.parse(text);
  const { bootlace, deployment, project, channel, services } = given ?? {};
  if (bootlace !== 1) throw new Error("The message announces no deployment that this listener understands");
  if (!/^[a-z0-9-]{8,64}$/.test(String(deployment))) throw new Error("The deployment has no id");
  const names = Array.isArray(services) ? services.map(String) : [];
  if (![String(project), String(channel), ...names].every((name) => NAME.test(name)))
    throw new Error("The deployment names something that is no name");
  return {
    bootlace,
    deployment: String(deployment),
    project: String(project),
    channel: String(channel),
    services: names,
  };
}

/** What a machine takes deployments for. */
interface Ours {
  readonly project: string;
  readonly channel: string;
  /** Services that a message may name; empty for all. */
  readonly services: readonly string[];
}

/** @throws {Error} For one of another project or channel, or that names what this machine's params do not allow. */
export function assertOurs({ project, channel, services }: Deployment, ours: Ours): void {
  if (project !== ours.project || channel !== ours.channel)
    throw new Error(`It is for ${project}, channel ${channel}; this machine is of ${ours.project}, ${ours.channel}`);
  const foreign = services.filter((name) => ours.services.length > 0 && !ours.services.includes(name));
  if (foreign.length > 0) throw new Error(`It names ${foreign.join(", ")}, which this machine's params do not allow`);
}
