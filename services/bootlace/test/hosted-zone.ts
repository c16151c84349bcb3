import { setTimeout as sleep } from "node:timers/promises";
import type { Change, ResourceRecordSet, Route53 } from "@aws-sdk/client-route-53";

export type RecordType = "A" | "AAAA" | "TXT";

export interface DnsRecord {
  /** Without the dot at the end. */
  readonly name: string;
  readonly type: RecordType;
  readonly value: string;
}

/** Seconds; short, because names of machines come and go. */
const TTL = 60;
/** Route 53 says that a change usually takes a minute: "Managing records", Amazon Route 53 Developer Guide. */
const IN_SYNC_MS = 5 * 60_000;
const FIRST_LOOK_MS = 250;
const LONGEST_LOOK_MS = 5_000;

/** The records of one hosted zone in Route 53. */
export class HostedZone {
  readonly id: string;
  readonly name: string;
  private readonly client: Route53;

  constructor(client: Route53, id: string, name: string) {
    this.client = client;
    this.id = id;
    this.name = name;
  }

  /** Another zone, by the same credentials. */
  other({ id, name }: Pick<HostedZone, "id" | "name">): HostedZone {
    return new HostedZone(this.client, id, name);
  }

  /** What stands there for a name, or undefined. */
  async read({ name, type }: Pick<DnsRecord, "name" | "type">): Promise<readonly string[] | undefined> {
    const page = { HostedZoneId: this.id, StartRecordName: name, StartRecordType: type, MaxItems: 1 };
    const [first] = (await this.client.listResourceRecordSets(page)).ResourceRecordSets ?? [];
    if (first?.Type !== type || withoutDot(first.Name ?? "") !== name) return undefined;
    return (first.ResourceRecords ?? []).map(({ Value = "" }) => Value);
  }

  /** Writes records over what is there, and returns when Route 53's servers answer with them. */
  async upsert(records: readonly DnsRecord[]): Promise<void> {
    await this.change(records.map((record) => ({ Action: "UPSERT", ResourceRecordSet: recordSet(record) })));
  }

  /**
   * Removes records that still have exactly our value: Route 53 takes a DELETE with the whole record only, so what somebody
   * else wrote meanwhile stays.
   *
   * @returns Those that were not ours any more, or not there.
   */
  async remove(records: readonly DnsRecord[]): Promise<readonly DnsRecord[]> {
    const stay: DnsRecord[] = [];
    for (const record of records) {
      try {
        await this.change([{ Action: "DELETE", ResourceRecordSet: recordSet(record) }], false);
      } catch (error) {
        if (!(error instanceof Error && error.name === "InvalidChangeBatch")) throw error;
        stay.push(record);
      }
    }
    return stay;
  }

  private async change(Changes: Change[], wait = true): Promise<void> {
    if (Changes.length === 0) return;
    const batch = { HostedZoneId: this.id, ChangeBatch: { Changes, Comment: "bootlace/test" } };
    const { ChangeInfo } = await this.client.changeResourceRecordSets(batch);
    let status = ChangeInfo?.Status;
    const Id = ChangeInfo?.Id;
    const until = Date.now() + IN_SYNC_MS;
    for (let pause = FIRST_LOOK_MS; wait && status === "PENDING"; pause = Math.min(pause * 2, LONGEST_LOOK_MS)) {
      if (Date.now() > until) throw new Error(`Route 53 has change ${Id} still as PENDING after 5 minutes`);
      await sleep(pause);
      status = (await this.client.getChange({ Id })).ChangeInfo?.Status;
    }
  }
}

/** @throws {Error} When there is none, or more than one, of that name. */
export async function findZone(client: Route53, nameOrId: string): Promise<HostedZone> {
  if (!nameOrId.includes(".")) {
    const { HostedZone: zone } = await client.getHostedZone({ Id: nameOrId });
    return new HostedZone(client, nameOrId, withoutDot(zone?.Name ?? ""));
  }
  const { HostedZones = [] } = await client.listHostedZonesByName({ DNSName: nameOrId, MaxItems: 10 });
  const found = HostedZones.filter(({ Name = "" }) => withoutDot(Name) === nameOrId.toLowerCase());
  const [zone] = found;
  const ids = found.map(({ Id = "" }) => Id.replace("/hostedzone/", ""));
  if (zone === undefined) throw new Error(`Route 53 has no hosted zone ${nameOrId}`);
  if (found.length > 1)
    throw new Error(`Route 53 has several zones ${nameOrId}: name one by its id, ${ids.join(", ")}`);
  return new HostedZone(client, ids[0] ?? "", nameOrId.toLowerCase());
}

function recordSet({ name, type, value }: DnsRecord): ResourceRecordSet {
  return { Name: name, Type: type, TTL, ResourceRecords: [{ Value: value }] };
}

const withoutDot = (name: string): string => name.replace(/\.$/, "");
