import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import dynalite from "dynalite";

type Body = Readonly<Record<string, unknown>>;

export interface DynamoDbServer {
  /** AWS_ENDPOINT_URL_DYNAMODB. */
  readonly endpoint: string;
  /** What was asked for, in order: `PutItem`. */
  readonly calls: { readonly action: string; readonly input: Body }[];
  /** What stands of a table that dynalite knows nothing of. */
  readonly protection: Map<string, boolean>;
  readonly backups: Map<string, boolean>;
  /** The next request for an action is done, and its answer lost. */
  loseAnswer(action: string): void;
  /** The next requests for an action are answered so, and not done. */
  refuse(action: string, error: string, times?: number): void;
  close(): Promise<void>;
}

/**
 * DynamoDB on loopback: dynalite, and in front of it what dynalite lacks, point-in-time recovery and deletion protection,
 * and what may go wrong on the way.
 */
export async function startDynamoDb(): Promise<DynamoDbServer> {
  const inner = dynalite({ createTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((resolve) => inner.listen(0, "127.0.0.1", () => resolve()));
  const innerUrl = `http://127.0.0.1:${(inner.address() as AddressInfo).port}`;
  const calls: DynamoDbServer["calls"] = [];
  const [protection, backups] = [new Map<string, boolean>(), new Map<string, boolean>()];
  const lost: string[] = [];
  const refused: { action: string; error: string; times: number }[] = [];

  const forward = async (request: IncomingMessage, action: string, body: Body) => {
    const headers: Record<string, string> = {};
    for (const name of ["authorization", "x-amz-date", "x-amz-security-token", "content-type"]) {
      const value = request.headers[name];
      if (typeof value === "string") headers[name] = value;
    }
    headers["x-amz-target"] = `DynamoDB_20120810.${action}`;
    const response = await fetch(innerUrl, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Body };
  };

  const act = async (
    request: IncomingMessage,
    action: string,
    input: Body,
  ): Promise<{ status: number; body: Body }> => {
    const table = String(input.TableName);
    const known = async () => (await forward(request, "DescribeTable", { TableName: table })).status === 200;
    const missing = {
      status: 400,
      body: { __type: "com.amazonaws.dynamodb.v20120810#TableNotFoundException", message: `Table not found: ${table}` },
    };
    if (action === "UpdateContinuousBackups" || action === "DescribeContinuousBackups") {
      if (!(await known())) return missing;
      const asked = input.PointInTimeRecoverySpecification as { PointInTimeRecoveryEnabled: boolean } | undefined;
      if (asked) backups.set(table, asked.PointInTimeRecoveryEnabled);
      const PointInTimeRecoveryStatus = backups.get(table) ? "ENABLED" : "DISABLED";
      const PointInTimeRecoveryDescription = { PointInTimeRecoveryStatus };
      const description = { ContinuousBackupsStatus: "ENABLED", PointInTimeRecoveryDescription };
      return { status: 200, body: { ContinuousBackupsDescription: description } };
    }
    const { DeletionProtectionEnabled: asked, ...rest } = input;
    const alone = action === "UpdateTable" && Object.keys(rest).length === 1;
    const answer = await forward(request, alone ? "DescribeTable" : action, rest);
    if (answer.status !== 200 || !/^(Create|Update|Describe)Table$/.test(action)) return answer;
    if (typeof asked === "boolean") protection.set(table, asked);
    const DeletionProtectionEnabled = protection.get(table) ?? false;
    const key = "Table" in answer.body ? "Table" : "TableDescription";
    const told = { ...(answer.body[key] as Body), DeletionProtectionEnabled };
    return { status: 200, body: { [action === "DescribeTable" ? "Table" : "TableDescription"]: told } };
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const action = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const input = JSON.parse(Buffer.concat(parts).toString() || "{}") as Body;
    calls.push({ action, input });
    const fault = refused.find((rule) => rule.action === action && rule.times-- > 0);
    const { status, body } = fault
      ? { status: 400, body: { __type: `com.amazonaws.dynamodb.v20120810#${fault.error}`, message: fault.error } }
      : await act(request, action, input);
    const at = lost.indexOf(action);
    if (at >= 0) {
      lost.splice(at, 1);
      return void request.socket.destroy();
    }
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    protection,
    backups,
    loseAnswer: (action) => void lost.push(action),
    refuse: (action, error, times = 1) => void refused.push({ action, error, times }),
    async close() {
      for (const each of [server, inner]) {
        each.closeAllConnections();
        await new Promise<void>((resolve) => each.close(() => resolve()));
      }
    },
  };
}
