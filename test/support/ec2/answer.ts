import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import * as scaling from "@aws-sdk/client-auto-scaling";
import type { SigningKey } from "../aws/sigv4.ts";
import { actionNamed } from "./actions/by-name.ts";
import { answerLogs } from "./actions/logs.ts";
import { answerSsm } from "./actions/ssm.ts";
import type { Cloud } from "./cloud.ts";
import { errorOf } from "./fault-error.ts";
import { notice } from "./machines/instance-boot.ts";
import { ApiError, LostAnswer } from "./protocol/api-error.ts";
import { authenticate, type Refusal, type Service } from "./protocol/authenticate.ts";
import { readForm, readMemberForm } from "./protocol/query.ts";
import { operation } from "./protocol/schema.ts";
import { answerMemberXml, answerXml, errorMemberXml, errorXml } from "./protocol/xml.ts";
import { scalingActionNamed } from "./scaling/by-name.ts";
import type { Region } from "./state.ts";

export interface ReceivedCall {
  readonly service: Service;
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
  const target = String(request.headers["x-amz-target"] ?? "");
  const who = authenticate(request, body, keys);
  const form = new URLSearchParams(body.toString());
  const service = serviceOf(target, form);
  let call: ReceivedCall | undefined;
  try {
    if (typeof who === "string") throw refused(who, service);
    const region = cloud.regions.get(who.region);
    if (!region || who.service !== service) throw refused("wrong", service);
    const action = target === "" ? (form.get("Action") ?? "") : (target.split(".")[1] ?? "");
    const input = target === "" ? readInput(service, action, form) : (JSON.parse(body.toString()) as Input);
    call = { service, action, region: region.name, input };
    calls.push(call);
    if (target !== "") return json(200, await actJson(cloud, region, service, action, input, body.toString()));
    const act = service === "ec2" ? actEc2 : actScaling;
    return { status: 200, type: "text/xml;charset=UTF-8", body: await act(cloud, region, action, input, bugs) };
  } catch (error) {
    if (error instanceof LostAnswer) return "lost";
    const known = error instanceof ApiError ? error : new ApiError("InternalError", String(error), 500);
    if (!(error instanceof ApiError)) bugs.push(error instanceof Error ? error : new Error(String(error)));
    if (call) call.error = known.code;
    if (target !== "") return json(known.status, { __type: known.code, message: known.message });
    const xml = service === "ec2" ? errorXml : errorMemberXml;
    return { status: known.status, type: "text/xml;charset=UTF-8", body: xml(known, randomUUID()) };
  }
}

/** By the protocol; whether it is the service that the signature speaks of is looked at afterwards. */
function serviceOf(target: string, form: URLSearchParams): Service {
  if (target !== "") return target.startsWith("Logs_") ? "logs" : "ssm";
  return form.get("Version") === "2011-01-01" ? "autoscaling" : "ec2";
}

const json = (status: number, value: object): Given => ({
  status,
  type: "application/x-amz-json-1.1",
  body: JSON.stringify(value),
});

function readInput(service: Service, action: string, form: URLSearchParams): Input {
  const model = service === "ec2" ? operation(action) : operation(action, scaling);
  if (!model) throw new ApiError("InvalidAction", `The action ${action} is not valid for this web service.`);
  return service === "ec2" ? readForm(form, model.input) : readMemberForm(form, model.input);
}

async function actScaling(cloud: Cloud, region: Region, action: string, input: Input, bugs: Error[]): Promise<string> {
  const run = scalingActionNamed(action);
  const model = operation(action, scaling);
  if (!run || !model) throw new ApiError("InvalidAction", `The action ${action} is not built into this endpoint`);
  const fault = cloud.misbehaviours.take(action, input);
  if (fault?.kind === "hold") await fault.open();
  const instead = fault && errorOf(fault, "autoscaling", action);
  if (instead) throw instead;
  const { patience } = cloud;
  const output = run({ cloud, region, input, patience, bugs: (error) => void bugs.push(error) });
  if (fault?.kind === "mute") throw new LostAnswer();
  return answerMemberXml(action, randomUUID(), output, model.output);
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

async function actJson(
  cloud: Cloud,
  region: Region,
  service: Service,
  action: string,
  input: Input,
  body: string,
): Promise<object> {
  const fault = cloud.misbehaviours.take(action, input);
  if (fault?.kind === "hold") await fault.open();
  const instead = fault && errorOf(fault, service, action);
  if (instead) throw instead;
  const output = service === "logs" ? answerLogs(action, region, body) : answerSsm(action, region, body);
  if (fault?.kind === "mute") throw new LostAnswer();
  return output;
}

function refused(why: Refusal, service: Service): ApiError {
  if (service === "autoscaling") {
    if (why === "expired")
      return new ApiError("ExpiredToken", "The security token included in the request is expired", 403);
    return new ApiError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
  }
  if (service !== "ec2") {
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
