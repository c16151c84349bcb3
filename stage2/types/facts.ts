/** What a machine was made for. Read before anything else; decides which phases may run at all. */
export type Purpose = "build" | "smoke" | "run";

/** What is known about the machine a plan is for. */
export interface Facts {
  /** `ID` of os-release: `debian`, `amzn`. */
  readonly os: string;
  readonly osVersion: string;
  readonly arch: "x86_64" | "arm64";
  readonly provider: "ec2" | "qemu" | "sandbox" | "host";
  readonly purpose: Purpose;
  /** Identity of this machine: instance id, else VM UUID, else machine-id; given by the sandbox. */
  readonly machine: string;
  /** Identity of this boot: the kernel's boot_id; given by the sandbox. */
  readonly boot: string;
  readonly hostname: string;
  /** What the machine offers to `needs:` (`systemd`, `apt`, `root` …). */
  readonly has: readonly string[];
  readonly region?: string;
  readonly privateIp?: string;
  readonly publicIp?: string;
}
