import type { ApiError } from "./api-error.ts";
import type { Shape } from "./schema.ts";

const NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** The answer of an action from what the SDK's command gives back. */
export function answerXml(action: string, id: string, output: unknown, shape: Shape): string {
  const body = `<requestId>${id}</requestId>${children(output as Readonly<Record<string, unknown>>, shape)}`;
  return `${HEAD}<${action}Response xmlns="${NAMESPACE}">${body}</${action}Response>`;
}

const SCALING = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

/** The same as the other services of the Query protocol write it. */
export function answerMemberXml(action: string, id: string, output: unknown, shape: Shape): string {
  const result = children(output as Readonly<Record<string, unknown>>, shape, "member");
  const body = `<${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata>`;
  return `${HEAD}<${action}Response xmlns="${SCALING}">${body}</${action}Response>`;
}

export function errorMemberXml({ code, message, status }: ApiError, id: string): string {
  const type = status >= 500 ? "Receiver" : "Sender";
  const inner = `<Type>${type}</Type><Code>${escapeText(code)}</Code><Message>${escapeText(message)}</Message>`;
  return `${HEAD}<ErrorResponse xmlns="${SCALING}"><Error>${inner}</Error><RequestId>${id}</RequestId></ErrorResponse>`;
}

export function errorXml(error: ApiError, id: string): string {
  const { code, message } = error;
  const inner = `<Error><Code>${escapeText(code)}</Code><Message>${escapeText(message)}</Message></Error>`;
  return `${HEAD}<Response><Errors>${inner}</Errors><RequestID>${id}</RequestID></Response>`;
}

function children(value: Readonly<Record<string, unknown>>, shape: Shape, item = "item"): string {
  const parts: string[] = [];
  const members = shape.members();
  for (const [name, part] of Object.entries(value ?? {})) {
    const member = members.get(name);
    if (!member) throw new Error(`The answer has ${name}, which AWS's model has not`);
    if (part !== undefined) parts.push(element(member.xmlName, part, member.shape, item));
  }
  return parts.join("");
}

function element(name: string, value: unknown, shape: Shape, item: string): string {
  return `<${name}>${content(value, shape, item)}</${name}>`;
}

function content(value: unknown, shape: Shape, item: string): string {
  const of = shape.item;
  if (shape.kind === "list" && of)
    return (value as readonly unknown[]).map((part) => element(item, part, of, item)).join("");
  if (shape.kind === "struct") return children(value as Readonly<Record<string, unknown>>, shape, item);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return escapeText(String(value));
}

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
