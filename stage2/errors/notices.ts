interface NoticeRow {
  readonly means: string;
  readonly remedy: string;
}

/** Codes of the notices that a run gives on its way; it goes on. A contract like the codes of errors. */
export const NOTICES = {
  W_EVENTS: {
    means: "The run's events cannot be written to its folder; the journal is whole.",
    remedy: "Make room on the volume of the machine's state.",
  },
  W_JOURNAL_TORN: {
    means: "A power cut or a kill had torn the journal's last line, which was cut off.",
    remedy: "Nothing: what the line was about runs again.",
  },
  W_LEFT_OUT: {
    means: "An update is left out: its init, or that of a service that it requires, has not run.",
    remedy: "Read the reason given; run the init, or take it as done with `--assume-init SERVICE`.",
  },
  W_LOG: {
    means: "The output of a script cannot be written to its log and is lost; the script runs on.",
    remedy: "Make room on the volume of the machine's state.",
  },
  W_SURVIVOR: {
    means: "A script had outlived a runner that was killed, and was ended before the plan was made.",
    remedy: "Nothing: the script runs again.",
  },
} as const satisfies Record<string, NoticeRow>;
