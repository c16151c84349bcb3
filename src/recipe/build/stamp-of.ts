/** A moment as images' ids begin with it: `20261130120000`, UTC. @param now milliseconds since 1970. */
export const stampOf = (now: number): string => new Date(now).toISOString().replace(/\D/g, "").slice(0, 14);
