/**
 * Work that nobody waits for, in its order: telling readers, closing logs. It is done in the next turn of the event
 * loop, while the scripts that were started run, instead of before them.
 */
export class Deferred {
  private readonly queue: (() => void)[] = [];
  private due = false;

  add(work: () => void): void {
    this.queue.push(work);
    if (this.due) return;
    this.due = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.due = false;
    for (let work = this.queue.shift(); work !== undefined; work = this.queue.shift()) work();
  }
}
