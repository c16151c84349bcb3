interface NoticeRow {
  readonly means: string;
  readonly remedy: string;
}

/** Codes of the notices that a run gives on its way; it goes on. A contract like the codes of errors. */
export const NOTICES = {
  W_BOOT_LOG: {
    means: "The events of this boot could not be written to CloudWatch Logs (`boot.logGroup`), or not all of them.",
    remedy:
      "Read the reason given: does the log group exist, and does the instance's role allow it? docs/ec2.md has the policy.",
  },
  W_DEGRADED: {
    means: "stage1 could not bring what the channel points to; this is the last good bundle, or an expired pointer's.",
    remedy: "Read the reason given: store, network, signature or expiry. The next boot tries again.",
  },
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
  W_LIFECYCLE: {
    means:
      "What the launch lifecycle hook of the Auto Scaling group (`boot.lifecycleHook`) was told, or why it was not.",
    remedy: "Where it was not told: look at the hook's name in the group and at the role; docs/ec2.md has the policy.",
  },
  W_LOG: {
    means: "The output of a script cannot be written to its log and is lost; the script runs on.",
    remedy: "Make room on the volume of the machine's state.",
  },
  W_ROLLOUT: {
    means: "How an instance refresh goes, as Auto Scaling tells it, or that it goes on without the desk.",
    remedy: "Nothing while it goes well; `bootlace rollback asg/NAME` takes it back.",
  },
  W_STAGE1: {
    means: "The stage1 of this bundle could not be installed in place of the older one, which goes on working.",
    remedy: "Read the reason given; where /usr is read-only, bring stage1 with the image.",
  },
  W_KEY: {
    means: "A signing key that came with the bundle is trusted on this machine from now on.",
    remedy: "Nothing, when you rotate keys; otherwise ask who published this bundle.",
  },
  W_KEY_LOST: {
    means: "A signing key came with the bundle and could not be written; this machine will refuse what it alone signs.",
    remedy: "Make /etc/bootlace/trust writable; the next boot tries again.",
  },
  W_STATE_TAG: {
    means: "The instance's tag `bootlace:state` (`boot.stateTag`) could not be set.",
    remedy: "Allow ec2:CreateTags to the instance's role; docs/ec2.md has the policy.",
  },
  W_SURVIVOR: {
    means: "A script had outlived a runner that was killed, and was ended before the plan was made.",
    remedy: "Nothing: the script runs again.",
  },
} as const satisfies Record<string, NoticeRow>;
