export interface RecordSet {
  /** Lower-case, with the dot at the end. */
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly values: readonly string[];
}

export interface ZoneChange {
  readonly action: string;
  readonly set: RecordSet;
}

/** Why a batch is refused: nothing of it is done then. */
export class InvalidChangeBatch extends Error {}

const keyOf = ({ name, type }: Pick<RecordSet, "name" | "type">): string => `${name} ${type}`;
const same = (a: RecordSet, b: RecordSet): boolean =>
  a.ttl === b.ttl && [...a.values].sort().join() === [...b.values].sort().join();

/** A hosted zone: what its owner has written, and what its name servers answer with already. */
export class Zone {
  readonly id: string;
  readonly name: string;
  private written = new Map<string, RecordSet>();
  private answered = new Map<string, RecordSet>();

  /** @param name With the dot at the end. */
  constructor(id: string, name: string) {
    this.id = id;
    this.name = name;
  }

  /** "ChangeResourceRecordSets", Amazon Route 53 API Reference: all or nothing; DELETE wants the whole record as it is. */
  change(changes: readonly ZoneChange[]): void {
    const next = new Map(this.written);
    for (const { action, set } of changes) {
      const [key, there] = [keyOf(set), next.get(keyOf(set))];
      if (!set.name.endsWith(this.name))
        throw new InvalidChangeBatch(`RRSet with DNS name ${set.name} is not permitted in zone ${this.name}`);
      if (action === "CREATE" && there)
        throw new InvalidChangeBatch(`Tried to create resource record set ${set.name} but it already exists`);
      if (action === "DELETE" && !there)
        throw new InvalidChangeBatch(`Tried to delete resource record set ${set.name} but it was not found`);
      if (action === "DELETE" && there && !same(there, set))
        throw new InvalidChangeBatch(
          `Tried to delete ${set.name} but the values provided do not match the current values`,
        );
      if (action === "DELETE") next.delete(key);
      else next.set(key, set);
    }
    this.written = next;
  }

  /** From now on the name servers answer with what was written. */
  sync(): void {
    this.answered = new Map(this.written);
  }

  /** In the order of ListResourceRecordSets: by labels from the last one on, then by type. */
  list(): readonly RecordSet[] {
    const order = ({ name, type }: RecordSet): string => `${name.split(".").reverse().join(".")} ${type}`;
    return [...this.written.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  answer(name: string): readonly RecordSet[] {
    return [...this.answered.values()].filter((set) => set.name === name);
  }
}

/** The order of {@link Zone.list}, for where a page begins. */
export const isBefore = (set: RecordSet, name: string, type: string): boolean => {
  const order = (n: string, t: string): string => `${n.split(".").reverse().join(".")} ${t}`;
  return order(set.name, set.type) < order(name, type);
};
