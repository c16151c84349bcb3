import { ApiError } from "../protocol/api-error.ts";
import type { Region } from "../state.ts";

interface Asked {
  readonly logGroupName?: string;
  readonly logStreamName?: string;
  readonly logEvents?: readonly { readonly timestamp: number; readonly message: string }[];
}

/** CreateLogGroup, CreateLogStream and PutLogEvents of CloudWatch Logs, as JSON. @throws {ApiError} in its own words. */
export function answerLogs(action: string, region: Region, body: string): object {
  const { logGroupName: name = "", logStreamName: stream = "", logEvents = [] } = JSON.parse(body) as Asked;
  if (action === "CreateLogGroup") {
    if (region.logs.has(name))
      throw new ApiError("ResourceAlreadyExistsException", "The specified log group already exists");
    region.logs.set(name, new Map());
    return {};
  }
  const group = region.logs.get(name);
  if (!group) throw new ApiError("ResourceNotFoundException", "The specified log group does not exist.");
  if (action === "CreateLogStream") {
    if (group.has(stream))
      throw new ApiError("ResourceAlreadyExistsException", "The specified log stream already exists");
    group.set(stream, []);
    return {};
  }
  if (action !== "PutLogEvents") throw new ApiError("UnknownOperationException", action);
  const lines = group.get(stream);
  if (!lines) throw new ApiError("ResourceNotFoundException", "The specified log stream does not exist.");
  const times = logEvents.map(({ timestamp }) => timestamp);
  if (times.some((time, at) => at > 0 && time < (times[at - 1] ?? 0)))
    throw new ApiError(
      "InvalidParameterException",
      "Log events in a single PutLogEvents request must be in chronological order.",
    );
  if (logEvents.some(({ message }) => message === ""))
    throw new ApiError("InvalidParameterException", "Log event message must not be empty");
  lines.push(...logEvents);
  return { nextSequenceToken: String(lines.length) };
}
