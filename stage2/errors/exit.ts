/** Exit codes as in docs/contracts.md. */
export const EXIT = {
  ok: 0,
  serviceFailed: 1,
  usage: 2,
  locked: 3,
  trust: 4,
  store: 5,
  machine: 6,
  journal: 7,
  degraded: 8,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
