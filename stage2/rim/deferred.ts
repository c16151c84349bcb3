/**
 * Work that nobody waits for, in its order: telling readers, closing logs. It is done in the next turn of the event
 * loop, while the scripts that were started run, instead of before them.
 */
export class Deferred {
  private readonly queue: (() => void)[] = [];
  private due = false;
  private flushing = false;

  /** What is added by deferred work itself is part of it, and done on the spot. */
  add(work: () => void): void {
    if (this.flushing) {
      work();
      return;
    }
    this.queue.push(work);
    if (this.due) return;
    this.due = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.due = false;
    this.flushing = true;
    try {
      for (let work = this.queue.shift(); work !== undefined; work = this.queue.shift()) work();
    } finally {
      this.flushing = false;
    }
  }
}
