/** What the description of a launch template's version, or of a parameter's value, tells of its rollout. */
export interface VersionNote {
  /** `web/20261130T…`. */
  readonly image: string;
  readonly project: string;
  /** The version that stood before. */
  readonly after: number | undefined;
}

/** Characters; "VersionDescription", CreateLaunchTemplateVersion, Amazon EC2 API Reference. */
const LONGEST = 255;

/** Versions have no tags of their own, so what stood before is written into the description. */
export function noteText({ image, project, after }: VersionNote): string {
  const text = `Bootlace: image ${image} of ${project}${after === undefined ? "" : `, after version ${after}`}`;
  return text.slice(0, LONGEST);
}

/** Undefined for a version that somebody else made. */
export function readNote(description: string | undefined): VersionNote | undefined {
  const [, image, project, after] =
    /^Bootlace: image (\S+) of (\S+?)(?:, after version (\d+))?$/.exec(description ?? "") ?? [];
  if (image === undefined || project === undefined) return undefined;
  return { image, project, after: after === undefined ? undefined : Number(after) };
}
