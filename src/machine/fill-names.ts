import { BootlaceError, type ParamValue } from "../../stage2/index.ts";
import type { ImageConfig } from "../manifest/project-schema.ts";

/** The value of a service's parameter; undefined where there is none of that name. */
export type LookUpParam = (service: string, name: string) => ParamValue | undefined;

const REFERENCE = /\{params\.([a-z][a-z0-9/-]*)\.([A-Za-z][A-Za-z0-9_-]*)\}/g;

/**
 * Names and tags of what EC2 makes, with the values of parameters where `{params.SERVICE.NAME}` stands.
 *
 * @param where `images.web`, for the error.
 * @throws {BootlaceError} `E_REFERENCE` for a parameter that none of its services has.
 */
export function fillNames(ec2: ImageConfig["ec2"], where: string, look: LookUpParam): ImageConfig["ec2"] {
  if (!ec2) return ec2;
  const fill = (text: string, key: string): string =>
    text.replace(REFERENCE, (all, service: string, name: string) => {
      const value = look(service, name);
      if (value !== undefined) return typeof value === "object" ? value.join(" ") : String(value);
      throw new BootlaceError("E_REFERENCE", `${where}.ec2.${key}: ${all} names no parameter of its services`, {
        hint: `\`bootlace check --effective ${service}\` shows what it has.`,
      });
    });
  const { imageName, tags } = ec2;
  return {
    ...ec2,
    ...(imageName === undefined ? {} : { imageName: fill(imageName, "imageName") }),
    ...(tags === undefined
      ? {}
      : { tags: Object.fromEntries(Object.entries(tags).map(([key, text]) => [key, fill(text, `tags.${key}`)])) }),
  };
}

/** Of the services that an image or a machine is made of. */
export const paramsOf =
  (
    services: readonly { readonly name: string; readonly params: Readonly<Record<string, ParamValue>> }[],
  ): LookUpParam =>
  (service, name) =>
    services.find((one) => one.name === service)?.params[name];
