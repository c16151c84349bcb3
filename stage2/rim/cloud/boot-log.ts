import { consoleLine } from "../../report/lines.ts";
import type { Event } from "../../types/event.ts";
import { type AwsApi, AwsRefusal } from "./aws-api.ts";

/** Milliseconds that events are gathered for one call. */
const GATHER = 5_000;
/** "PutLogEvents", CloudWatch Logs API Reference: events of a call and their bytes, 26 more for each. */
const MOST_EVENTS = 1_000;
const MOST_BYTES = 900_000;
const LONGEST = 64 * 1024;

/** A run's changes of state as JSON lines of a stream of CloudWatch Logs, which is called like the instance. */
export class BootLog {
  readonly #api: AwsApi;
  readonly #group: string;
  readonly #stream: string;
  #waiting: { readonly timestamp: number; readonly message: string }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #opened: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(api: AwsApi, group: string, stream: string) {
    this.#api = api;
    this.#group = group;
    this.#stream = stream;
  }

  /** Takes what the console tells too: no output of scripts but the end of one that failed, redacted as ever. */
  add(event: Event): void {
    if (this.#failure || consoleLine(event) === undefined) return;
    const told = event.k === "open" ? { ...event, plan: { steps: event.plan.steps.map(({ id }) => id) } } : event;
    this.#waiting.push({ timestamp: event.t, message: JSON.stringify(told).slice(0, LONGEST) });
    this.#timer ??= setTimeout(() => void this.flush(), GATHER).unref();
  }

  /** Sends what waits. What goes wrong is kept for {@link BootLog.end}. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending
      .then(() => this.#send())
      .catch((error: Error) => {
        this.#failure ??= error;
        this.#waiting = [];
      });
    return this.#sending;
  }

  /** @throws {Error} the first one that kept events from being told. */
  async end(): Promise<void> {
    await this.flush();
    if (this.#failure) throw this.#failure;
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#opened ??= this.#open();
      await this.#opened;
      const names = { logGroupName: this.#group, logStreamName: this.#stream };
      await this.#api.json("logs", "Logs_20140328.PutLogEvents", { ...names, logEvents: this.#batch() });
    }
  }

  #batch() {
    let [count, bytes] = [0, 0];
    for (const { message } of this.#waiting) {
      bytes += Buffer.byteLength(message) + 26;
      if (count > 0 && (bytes > MOST_BYTES || count === MOST_EVENTS)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count).sort((one, other) => one.timestamp - other.timestamp);
  }

  async #open(): Promise<void> {
    const names = { logGroupName: this.#group, logStreamName: this.#stream };
    await this.#api.json("logs", "Logs_20140328.CreateLogStream", names).catch((error) => {
      if (!(error instanceof AwsRefusal && error.code === "ResourceAlreadyExistsException")) throw error;
    });
  }
}
