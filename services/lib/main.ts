/** Runs a script's work: whatever it throws is told in one line, and the script has failed. */
export async function main(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    const told = error instanceof Error ? `${error.name === "Error" ? "" : `${error.name}: `}${error.message}` : error;
    console.error(String(told));
    process.exitCode = 1;
  }
}
