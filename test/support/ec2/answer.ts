import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { SigningKey } from "../aws/sigv4.ts";
import { actionNamed } from "./actions/by-name.ts";
import { answerSsm } from "./actions/ssm.ts";
import type { Cloud } from "./cloud.ts";
import { errorOf } from "./fault-error.ts";
import { notice } from "./machines/instance-boot.ts";
import { ApiError, LostAnswer } from "./protocol/api-error.ts";
import { authenticate, type Refusal } from "./protocol/authenticate.ts";
import { readForm } from "./protocol/query.ts";
import { operation } from "./protocol/schema.ts";
import { answerXml, errorXml } from "./protocol/xml.ts";
import type { Region } from "./state.ts";

export interface ReceivedCall {
  readonly service: "ec2" | "ssm";
  readonly action: string;
  readonly region: string;
  /** By the SDK's names. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The error's code, where it was one. */
  error?: string;
}

export interface Given {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Input = Readonly<Record<string, unknown>>;

/** The answer to one signed request; `lost` when it was carried out and nobody is to hear of it. */
export async function answer(
  cloud: Cloud,
  request: IncomingMessage,
  body: Buffer,
  keys: readonly SigningKey[],
  calls: ReceivedCall[],
  bugs: Error[],
): Promise<Given | "lost"> {
  const target = request.headers["x-amz-target"];
  const who = authenticate(request, body, keys);
  const service = target === undefined ? "ec2" : "ssm";
  let call: ReceivedCall | undefined;
  try {
    if (typeof who === "string") throw refused(who, service);
    const region = cloud.regions.get(who.region);
    if (!region || who.service !== service) throw refused("wrong", service);
    const form = new URLSearchParams(body.toString());
    const action = service === "ssm" ? (String(target).split(".")[1] ?? "") : (form.get("Action") ?? "");
    const input = service === "ssm" ? (JSON.parse(body.toString()) as Input) : readInput(action, form);
    call = { service, action, region: region.name, input };
    calls.push(call);
    if (service === "ssm") return json(200, await actSsm(cloud, region, action, input, body.toString()));
    return { status: 200, type: "text/xml;charset=UTF-8", body: await actEc2(cloud, region, action, input) };
  } catch (error) {
    if (error instanceof LostAnswer) return "lost";
    const known = error instanceof ApiError ? error : new ApiError("InternalError", String(error), 500);
    if (!(error instanceof ApiError)) bugs.push(error instanceof Error ? error : new Error(String(error)));
    if (call) call.error = known.code;
    if (service === "ssm") return json(known.status, { __type: known.code, message: known.message });
    return { status: known.status, type: "text/xml;charset=UTF-8", body: errorXml(known, randomUUID()) };
  }
}

const json = (status: number, value: object): Given => ({
  status,
  type: "application/x-amz-json-1.1",
  body: JSON.stringify(value),
});

function readInput(action: string, form: URLSearchParams): Input {
  const model = operation(action);
  if (!model) throw new ApiError("InvalidAction", `The action ${action} is not valid for this web service.`);
  return readForm(form, model.input);
}

async function actEc2(cloud: Cloud, region: Region, action: string, input: Input): Promise<string> {
  const run = actionNamed(action);
  const model = operation(action);
  if (!run || !model) throw new ApiError("InvalidAction", `The action ${action} is not built into this endpoint`);
  for (const instance of region.instances.values()) await notice(cloud, region, instance);
  const fault = cloud.misbehaviours.take(action, input);
  if (fault?.kind === "hold") await fault.open();
  const instead = fault && errorOf(fault, "ec2", action);
  if (instead) throw instead;
  const changes = !/^(Describe|Get)/.test(action);
  const commit = () => {
    if (input.DryRun)
      throw new ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
  };
  if (!changes) commit();
  const read = new Set(["DryRun"]);
  const watched = new Proxy(input, {
    get(of, name) {
      read.add(String(name));
      return of[String(name)];
    },
  });
  const output = await run({ cloud, region, input: watched, fault, commit });
  const unread = Object.keys(input).filter((name) => !read.has(name));
  // Nothing that a caller asks for goes by unseen: what has no effect here is an error, though the work is done.
  if (unread.length > 0) throw new Error(`${action} was asked for ${unread}, which is not built into this endpoint`);
  if (fault?.kind === "mute") throw new LostAnswer();
  return answerXml(action, randomUUID(), output, model.output);
}

async function actSsm(cloud: Cloud, region: Region, action: string, input: Input, body: string): Promise<object> {
  const fault = cloud.misbehaviours.take(action, input);
  if (fault?.kind === "hold") await fault.open();
  const instead = fault && errorOf(fault, "ssm", action);
  if (instead) throw instead;
  const output = answerSsm(action, region, body);
  if (fault?.kind === "mute") throw new LostAnswer();
  return output;
}

function refused(why: Refusal, service: "ec2" | "ssm"): ApiError {
  if (service === "ssm") {
    if (why === "expired")
      return new ApiError("ExpiredTokenException", "The security token included in the request is expired");
    if (why === "unknown")
      return new ApiError("UnrecognizedClientException", "The security token included in the request is invalid.");
    return new ApiError(
      "InvalidSignatureException",
      "The request signature does not match the signature you provided.",
    );
  }
  if (why === "expired") return new ApiError("RequestExpired", "Request has expired.");
  if (why === "unsigned")
    return new ApiError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  return new ApiError("AuthFailure", "AWS was not able to validate the provided access credentials", 401);
}
