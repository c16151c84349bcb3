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
