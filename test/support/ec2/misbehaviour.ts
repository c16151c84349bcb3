/** What goes wrong. */
export type Fault =
  /** This error, whatever was asked for. */
  | { readonly kind: "error"; readonly code: string; readonly message?: string; readonly status?: number }
  /** `RequestLimitExceeded`, 503. */
  | { readonly kind: "throttle" }
  /** `UnauthorizedOperation` with an encoded message, as when IAM denies it. */
  | { readonly kind: "denied" }
  /** `RequestExpired`: the session's token has ended. */
  | { readonly kind: "expired" }
  /** Not there yet, as in the seconds after creation: `InvalidInstanceID.NotFound` and its like, by the action. */
  | { readonly kind: "missing" }
  /** The action is done, then the connection ends without an answer. */
  | { readonly kind: "mute" }
  /** The request has come; nothing is done about it until the test opens the gate. */
  | { readonly kind: "hold"; readonly open: () => Promise<void> }
  /** Done at once, but this Describe call still tells `pending` (of stopping: `stopping`). */
  | { readonly kind: "pending" }
  /** GetConsoleOutput has nothing yet. */
  | { readonly kind: "empty" }
  /** CreateImage, CopyImage: the snapshot fails later, and the AMI with it. */
  | { readonly kind: "fail"; readonly message?: string };

/** A fault, and for which requests. */
export interface Misbehaviour {
  readonly action: string;
  readonly fault: Fault;
  /** For how many requests; default 1. */
  readonly times?: number;
  /** Only those that say so, by the SDK's names: `{InstanceType: "t3.micro"}`. */
  readonly where?: Readonly<Record<string, unknown>>;
}

/** The switched-on rules of one server; the oldest that fits a request is used up first. */
export class Misbehaviours {
  #rules: { readonly rule: Misbehaviour; left: number }[] = [];

  add(rule: Misbehaviour): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  take(action: string, input: Readonly<Record<string, unknown>>): Fault | undefined {
    const found = this.#rules.find(
      ({ rule, left }) =>
        left > 0 &&
        rule.action === action &&
        Object.entries(rule.where ?? {}).every(([name, value]) => input[name] === value),
    );
    if (!found) return undefined;
    found.left -= 1;
    return found.rule.fault;
  }
}
