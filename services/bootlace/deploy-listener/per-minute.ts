/** Lets so many through in each minute: whoever sends us messages must not make us write or fetch without end. */
export function perMinute(most: number): (now: number) => boolean {
  let minute = -1;
  let used = 0;
  return (now) => {
    const current = Math.floor(now / 60_000);
    if (current !== minute) [minute, used] = [current, 0];
    used += 1;
    return used <= most;
  };
}
