import { randomUUID } from "node:crypto";
import type { EC2 } from "@aws-sdk/client-ec2";
import { BootlaceError } from "../../stage2/index.ts";
import { deskStep } from "../machine/desk-step.ts";
import { assertImage } from "./aws/assert-image.ts";
import {
  addVersion,
  findTemplate,
  setDefault,
  type Template,
  type TemplateVersion,
  templateVersion,
} from "./aws/templates.ts";
import type { Change } from "./change.ts";
import type { RolledImage } from "./rolled-image.ts";
import { noteText } from "./version-note.ts";

export interface TemplateWish {
  /** Launches without a version get it. */
  readonly asDefault: boolean;
  /** Version that the new one is made from: a number, `default` or `newest`. */
  readonly source: string;
}

/**
 * A new numbered version of a launch template, with the image's AMI. `$Latest` is never relied on: whoever uses the
 * template by a number or by its default gets nothing new without being asked.
 *
 * @throws {BootlaceError} `E_ROLLOUT_TARGET`, `E_ROLLOUT_IMAGE`, and what EC2 refuses.
 */
export async function planTemplate(api: EC2, name: string, image: RolledImage, wish: TemplateWish): Promise<Change> {
  const template = await findTemplate(api, name);
  const source = await templateVersion(api, template, sourceOf(template, wish.source));
  assertOwnAmi(template, source, image.at);
  await assertImage(api, image, source.ami);
  const there = source.ami === image.ami;
  const moves = wish.asDefault && !(there && template.default === source.number);
  const facts = { template: template.name, id: template.id, ami: image.ami, image: image.label };
  const lines = [
    there
      ? `version ${source.number} of ${template.name} has ${image.ami} already`
      : `a new version of ${template.name} (${template.id}) from version ${source.number}: ${source.ami ?? "no AMI"} → ${image.ami}`,
    ...(moves ? [`its default: version ${template.default} → ${there ? source.number : "the new one"}`] : []),
  ];
  if (there && !moves) return { lines, facts: { ...facts, version: source.number, made: false } };
  return {
    lines,
    facts: { ...facts, source: source.number },
    make: async ({ report }) => {
      const of = `template ${template.name}`;
      const version = there
        ? source
        : await deskStep(report, { step: "version", of, detail: image.ami }, () =>
            newVersion(api, template, image, source.number, template.default),
          );
      if (moves)
        await deskStep(report, { step: "default", of, detail: `version ${version.number}` }, () =>
          setDefault(api, template, version.number),
        );
      return { version: version.number, made: !there, default: moves ? version.number : template.default };
    },
  };
}

/** @param after the version that is in use before. */
export const newVersion = (
  api: EC2,
  template: Template,
  { ami, label, project }: RolledImage,
  source: number,
  after: number,
): Promise<TemplateVersion> =>
  addVersion(api, template, {
    source,
    ami,
    description: noteText({ image: label, project, after }),
    token: randomUUID(),
  });

function sourceOf(template: Template, source: string): string {
  if (source === "newest") return `${template.newest}`;
  if (source === "default") return `${template.default}`;
  if (/^[1-9]\d{0,9}$/.test(source)) return source;
  throw new BootlaceError("E_USAGE", `--source expects a version's number, default or newest, "${source}" came`);
}

/** A template may name a parameter instead of an AMI; its users wait for the parameter to change. */
export function assertOwnAmi({ name }: Template, { ami, number }: TemplateVersion, at: string): void {
  const [, parameter] = /^resolve:ssm:([^:]+)/.exec(ami ?? "") ?? [];
  if (parameter === undefined) return;
  throw new BootlaceError(
    "E_ROLLOUT_TARGET",
    `Version ${number} of ${name} takes its AMI from the parameter ${parameter}`,
    { hint: `Roll out to that: bootlace rollout IMAGE ssm:${parameter}${at}` },
  );
}
