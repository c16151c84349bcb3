import { isIPv6 } from "node:net";
import { join } from "node:path";
import { readState, writeState } from "../../lib/state-file.ts";
import type { DnsRecord, HostedZone } from "./hosted-zone.ts";

/** What we wrote into Route 53, and on which machine: an image must not take its builder's names along. */
export interface OwnRecords {
  readonly instance: string;
  readonly zone: { readonly id: string; readonly name: string };
  readonly records: readonly DnsRecord[];
}

const fileOf = (state: string): string => join(state, "records.json");

export function ownRecords(state: string, instance: string): OwnRecords | undefined {
  const own = readState<OwnRecords>(fileOf(state));
  return own?.instance === instance ? own : undefined;
}

/** The record that leads a name to an address. */
export function addressRecord(name: string, address: string): DnsRecord {
  return { name, type: isIPv6(address) ? "AAAA" : "A", value: address };
}

/**
 * Brings Route 53 to the wanted records: writes what is missing or differs, removes what we wrote and nobody wants any
 * more. What we wrote is noted before it is written, so that a machine that goes down in the middle knows it.
 *
 * @returns How many records were written or removed.
 */
export async function ensureRecords(
  zone: HostedZone,
  wanted: readonly DnsRecord[],
  own: OwnRecords | undefined,
  { state, instance }: { readonly state: string; readonly instance: string },
): Promise<number> {
  const same = (a: DnsRecord) => (b: DnsRecord) => a.name === b.name && a.type === b.type && a.value === b.value;
  // The note has room for one zone: what we wrote elsewhere goes while we still know it.
  if (own !== undefined && own.zone.id !== zone.id) await zone.other(own.zone).remove(own.records).catch(orNoZone);
  const before = own?.zone.id === zone.id ? own.records : [];
  const gone = before.filter((record) => !wanted.some(same(record)));
  // One that is written over needs no removal.
  const left = gone.filter(({ name, type }) => !wanted.some((one) => one.name === name && one.type === type));
  const note = (records: readonly DnsRecord[]) =>
    writeState(fileOf(state), { instance, zone: { id: zone.id, name: zone.name }, records } satisfies OwnRecords);
  const missing: DnsRecord[] = [];
  for (const record of wanted) {
    const values = await zone.read(record);
    if (values?.length !== 1 || values[0] !== record.value) missing.push(record);
  }
  if (missing.length + left.length === 0 && gone.length === 0 && before.length === wanted.length) return 0;
  note([...wanted, ...left]);
  await zone.upsert(missing);
  await zone.remove(left);
  note(wanted);
  return missing.length + left.length;
}

/** A zone that was deleted holds nothing of ours any more. */
function orNoZone(error: Error): void {
  if (error.name !== "NoSuchHostedZone") throw error;
}
