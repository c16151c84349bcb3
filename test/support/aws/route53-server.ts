import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { InvalidChangeBatch, isBefore, type RecordSet, Zone, type ZoneChange } from "./route53-zone.ts";
import { TEST_KEY } from "./s3-server.ts";
import type { SigningKey } from "./sigv4.ts";
import { bodyOf, escapeXml, refusalOf, unescapeXml } from "./verify-request.ts";

/** What goes wrong with the next request of an action: refused for too many, refused while another works, done without an answer. */
type Fault = "throttle" | "busy" | "mute";

export interface Route53Server {
  readonly url: string;
  readonly zones: readonly Zone[];
  /** `ChangeResourceRecordSets`, … in order, refused ones too. */
  readonly calls: string[];
  /** How often a change is still PENDING when somebody asks for it; 1 unless set. */
  pending: number;
  misbehave(action: string, ...faults: readonly Fault[]): void;
  close(): Promise<void>;
}

const NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/";

/**
 * Route 53 on loopback, as far as records go: REST-XML of 2013-04-01, spoken by the unmodified SDK. A change is PENDING
 * before it is INSYNC, and name servers (dns-server.ts) answer with it only then.
 *
 * @param names Of its hosted zones, without the dot at the end.
 */
export async function startRoute53(
  names: readonly string[],
  keys: readonly SigningKey[] = [TEST_KEY],
): Promise<Route53Server> {
  const zones = names.map((name, at) => new Zone(`Z0TEST${at}`, `${name}.`));
  const calls: string[] = [];
  const faults = new Map<string, Fault[]>();
  const changes = new Map<string, { zone: Zone; looks: number }>();
  const settings = { pending: 1 };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const say = (status: number, xml: string) =>
      void response.writeHead(status, { "content-type": "text/xml" }).end(`<?xml version="1.0"?>\n${xml}`);
    const refuse = (status: number, code: string, message: string) =>
      say(
        status,
        `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
      );
    const url = new URL(request.url ?? "/", "http://route53");
    const action = actionOf(request.method ?? "", url.pathname);
    calls.push(action.name);
    const refusal = refusalOf(request, body, { keys, region: "us-east-1", service: "route53" });
    if (refusal) return refuse(403, refusal, "The request is not signed as it must be");
    const fault = faults.get(action.name)?.shift();
    if (fault === "throttle") return refuse(400, "Throttling", "Rate exceeded");
    if (fault === "busy") return refuse(400, "PriorRequestNotComplete", "The request was rejected: another is at work");
    const zone = zones.find(({ id }) => id === action.id);
    if (action.id !== undefined && action.name !== "GetChange" && !zone)
      return refuse(404, "NoSuchHostedZone", `No hosted zone found with ID: ${action.id}`);
    let xml: string;
    try {
      xml = answer(action, zone, url.searchParams, body.toString());
    } catch (error) {
      if (!(error instanceof InvalidChangeBatch)) throw error;
      return refuse(400, "InvalidChangeBatch", `[${error.message}]`);
    }
    if (fault === "mute") return void request.socket.destroy();
    say(200, xml);
  };

  function answer({ name, id = "" }: Action, zone: Zone | undefined, query: URLSearchParams, body: string): string {
    const info = (change: string, status: string) =>
      `<ChangeInfo><Id>/change/${change}</Id><Status>${status}</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>`;
    if (name === "ChangeResourceRecordSets" && zone) {
      zone.change(readChanges(body));
      const change = `C${changes.size + 1}`;
      changes.set(change, { zone, looks: settings.pending });
      if (settings.pending === 0) zone.sync();
      return wrap(name, info(change, settings.pending === 0 ? "INSYNC" : "PENDING"));
    }
    if (name === "GetChange") {
      const change = changes.get(id);
      if (!change) throw new Error(`${id} is no change`);
      change.looks -= 1;
      if (change.looks <= 0) change.zone.sync();
      return wrap(name, info(id, change.looks <= 0 ? "INSYNC" : "PENDING"));
    }
    if (name === "ListResourceRecordSets" && zone) {
      const from = `${(query.get("name") ?? "").toLowerCase().replace(/\.?$/, ".")}`;
      const most = Number(query.get("maxitems") ?? 300);
      const sets = zone.list().filter((set) => !isBefore(set, from, query.get("type") ?? ""));
      const shown = sets.slice(0, most).map(setXml).join("");
      return wrap(
        name,
        `<ResourceRecordSets>${shown}</ResourceRecordSets><IsTruncated>${sets.length > most}</IsTruncated><MaxItems>${most}</MaxItems>`,
      );
    }
    if (name === "GetHostedZone" && zone) return wrap(name, zoneXml(zone));
    const found = zones.filter(({ name: each }) => each >= (query.get("dnsname") ?? ""));
    return wrap(
      name,
      `<HostedZones>${found.map(zoneXml).join("")}</HostedZones><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>`,
    );
  }

  const bugs: Error[] = [];
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => {
      bugs.push(error);
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    zones,
    calls,
    get pending() {
      return settings.pending;
    },
    set pending(looks) {
      settings.pending = looks;
    },
    misbehave: (action, ...more) => void faults.set(action, [...(faults.get(action) ?? []), ...more]),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (bugs.length > 0) throw new AggregateError(bugs, bugs.map(({ message }) => message).join("; "));
    },
  };
}

interface Action {
  readonly name: string;
  readonly id?: string;
}

function actionOf(method: string, path: string): Action {
  const [, kind = "", id, rest] = /^\/2013-04-01\/([a-z]+)(?:\/([A-Z0-9]+))?(\/rrset\/?)?$/.exec(path) ?? [];
  const name = `${method} ${kind}${id === undefined ? "" : "/ID"}${rest === undefined ? "" : "/rrset"}`;
  const known = ACTIONS[name];
  if (known === undefined) throw new Error(`${method} ${path} is not built into this endpoint`);
  return { name: known, ...(id === undefined ? {} : { id }) };
}

const ACTIONS: Readonly<Record<string, string>> = {
  "POST hostedzone/ID/rrset": "ChangeResourceRecordSets",
  "GET hostedzone/ID/rrset": "ListResourceRecordSets",
  "GET hostedzone/ID": "GetHostedZone",
  "GET hostedzonesbyname": "ListHostedZonesByName",
  "GET change/ID": "GetChange",
};

const wrap = (action: string, inner: string): string =>
  `<${action}Response xmlns="${NAMESPACE}">${inner}</${action}Response>`;
const zoneXml = ({ id, name }: Zone): string =>
  `<HostedZone><Id>/hostedzone/${id}</Id><Name>${name}</Name><CallerReference>x</CallerReference></HostedZone>`;
const setXml = ({ name, type, ttl, values }: RecordSet): string =>
  `<ResourceRecordSet><Name>${name}</Name><Type>${type}</Type><TTL>${ttl}</TTL><ResourceRecords>${values
    .map((value) => `<ResourceRecord><Value>${escapeXml(value)}</Value></ResourceRecord>`)
    .join("")}</ResourceRecords></ResourceRecordSet>`;

function readChanges(body: string): readonly ZoneChange[] {
  const one = (xml: string, tag: string): string =>
    unescapeXml(new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? "");
  return [...body.matchAll(/<Change>(.*?)<\/Change>/gs)].map(([, xml = ""]) => ({
    action: one(xml, "Action"),
    set: {
      name: one(xml, "Name").toLowerCase().replace(/\.?$/, "."),
      type: one(xml, "Type"),
      ttl: Number(one(xml, "TTL")),
      values: [...xml.matchAll(/<Value>([^<]*)<\/Value>/g)].map(([, value = ""]) => unescapeXml(value)),
    },
  }));
}
