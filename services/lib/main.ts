/** Ended after the work, however it went: what keeps connections would keep the script from ending. */
interface Client {
  destroy(): void;
}

/** Runs a script's work: whatever it throws is told in one line, and the script has failed. */
export async function main(work: (use: <T extends Client>(client: T) => T) => Promise<void>): Promise<void> {
  const clients: Client[] = [];
  try {
    await work((client) => {
      clients.push(client);
      return client;
    });
  } catch (error) {
    const told = error instanceof Error ? `${error.name === "Error" ? "" : `${error.name}: `}${error.message}` : error;
    console.error(String(told));
    process.exitCode = 1;
  } finally {
    for (const client of clients) client.destroy();
  }
}
