import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { packageRoot } from "../../../../src/cli/package-root.ts";
import { quote } from "../../../../stage2/index.ts";

/** No part of any AMI: other tests write there while an instance is searched, and keep their sandboxes there. */
const OTHERS = [...new Set([fileURLToPath(packageRoot()).replace(/\/$/, ""), ...checkouts(), "/var/tmp"])];

/** All of this repository that still are there: somebody may install packages in another one meanwhile. */
function checkouts(): readonly string[] {
  const { stdout } = spawnSync("git", ["worktree", "list", "--porcelain"], {
    cwd: fileURLToPath(packageRoot()),
    encoding: "utf8",
  });
  return [...(stdout ?? "").matchAll(/^worktree (.*)$/gm)].map(([, path = ""]) => path).filter(existsSync);
}

/** What an instance's first moments need to know. */
export interface FirmwareParts {
  readonly id: string;
  /** Where sshd listens. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Whether a security group lets anybody in at present. */
  readonly open: boolean;
  /** `root`, or who has sudo. */
  readonly login: string;
  readonly printsHostKeys: boolean;
  /** Line of the imported key pair. */
  readonly authorized: string | undefined;
  /** For AWS_EC2_METADATA_SERVICE_ENDPOINT: sandboxes share the host's network, and with it the link-local address. */
  readonly metadata: string;
  /** For AWS_ENDPOINT_URL of the boot hook. */
  readonly endpoint: string;
  /** Host keys by user data's `ssh_keys`, as files of /etc/ssh. */
  readonly planted: Readonly<Record<string, string>>;
  /** A script from user data. */
  readonly userScript: string | undefined;
}

/**
 * What runs in a sandbox before its boot hook, in PID 1's own shell: the parts of EC2's virtual hardware, of systemd and
 * of cloud-init that somebody who builds an image meets. The kernel's boot id and the firmware's tables tell what they tell
 * on EC2; cloud-init gives the instance its host keys and users once, and sshd starts.
 */
export function firmware(parts: FirmwareParts): string {
  return `
firmware() {
  umask 022
  echo '[    0.000000] Linux version 6.1.0-38-cloud-amd64 (debian-kernel@lists.debian.org)'
  echo '[    0.000000] DMI: Amazon EC2 t3.micro/, BIOS 1.0 10/16/2017'
  mkdir -p /run/ec2/class/dmi/id /run/sshd
  boot=$(sed -n 's/^boot=//p' /run/bootlace/seed)
  echo "$boot" >/run/ec2/boot_id
  mount --bind /run/ec2/boot_id /proc/sys/kernel/random/boot_id
  echo 'Amazon EC2' >/run/ec2/class/dmi/id/sys_vendor
  echo ${parts.id} >/run/ec2/class/dmi/id/board_asset_tag
  mount -t overlay overlay -o ro,lowerdir=/run/ec2/class:/sys/class /sys/class
  rm -f /run/bootlace/seed
${OTHERS.map((folder) => `  mount -t tmpfs -o mode=1777 tmpfs ${quote(folder)}\n`).join("")}${instanceScript(parts)}
  cat >/run/ec2/start-sshd <<'EOF'
exec setsid /usr/sbin/sshd -D -e ${sshdOptions(parts).map(quote).join(" ")} </dev/null >>/run/ec2/sshd.log 2>&1
EOF
${parts.open ? "  sh /run/ec2/start-sshd &\n" : ""}${parts.userScript === undefined ? "" : "  run_user_script &\n"}}
export AWS_EC2_METADATA_SERVICE_ENDPOINT=${quote(parts.metadata)} AWS_ENDPOINT_URL=${quote(parts.endpoint)}
firmware
`;
}

/** cloud-init's modules that run once for each instance. */
function instanceScript({ id, login, planted, authorized, printsHostKeys, userScript }: FirmwareParts): string {
  const keys = Object.entries(planted).map(
    ([name, text]) =>
      `    (umask ${name.endsWith(".pub") ? "022" : "077"} && printf '%s\\n' ${quote(text.trimEnd())} >/etc/ssh/${name})`,
  );
  return `
  run_user_script() { :; }
  if [ ! -d /var/lib/cloud/instances/${id} ]; then
    mkdir -p /var/lib/cloud/instances/${id}
    ln -sfn instances/${id} /var/lib/cloud/instance
    rm -f /etc/ssh/ssh_host_*
${keys.join("\n")}
    for kind in ed25519 ecdsa; do
      [ -f /etc/ssh/ssh_host_${"$"}{kind}_key ] || ssh-keygen -q -t $kind -N '' -C '' -f /etc/ssh/ssh_host_${"$"}{kind}_key
    done
${login === "root" ? "" : makeUser(login)}${authorized === undefined ? "" : authorize(login, authorized)}${
  userScript === undefined
    ? ""
    : `    mkdir -p /var/lib/cloud/instances/${id}/scripts
    printf '%s' ${quote(userScript)} >/var/lib/cloud/instances/${id}/scripts/part-001
    chmod 700 /var/lib/cloud/instances/${id}/scripts/part-001
    run_user_script() { /var/lib/cloud/instances/${id}/scripts/part-001 </dev/null; }
`
}${printsHostKeys ? PRINT_KEYS : ""}  fi
`;
}

/** Without PAM sshd refuses an account whose password is locked by `!`, which is how useradd(8) leaves it. */
const makeUser = (
  login: string,
): string => `    id ${login} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --password '*' ${login}
    mkdir -p /etc/sudoers.d
    (umask 337 && echo '${login} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-cloud-init-users)
`;

/** cloud-init's write-ssh-key-fingerprints: what goes by the log has its mark, the keys have none. */
const PRINT_KEYS = `    echo "<14>cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----"
    for key in /etc/ssh/ssh_host_*_key.pub; do echo "<14>cloud-init: $(ssh-keygen -lf "$key")"; done
    echo "<14>cloud-init: -----END SSH HOST KEY FINGERPRINTS-----"
    echo '-----BEGIN SSH HOST KEY KEYS-----'
    cat /etc/ssh/ssh_host_*_key.pub
    echo '-----END SSH HOST KEY KEYS-----'
`;

/** As cloud-init does with `disable_root`: root's key only tells whom to log in as. */
function authorize(login: string, line: string): string {
  const write = (home: string, owner: string, text: string) =>
    `    (umask 077 && mkdir -p ${home}/.ssh && printf '%s\\n' ${quote(text)} >>${home}/.ssh/authorized_keys)
    chown -R ${owner}: ${home}/.ssh
`;
  if (login === "root") return write("/root", "root", line);
  const elsewhere = `command="echo 'Please login as the user \\"${login}\\" rather than the user \\"root\\".';echo;exit 142"`;
  return write(`/home/${login}`, login, line) + write("/root", "root", `${elsewhere} ${line}`);
}

/** Of the image's own configuration all counts but where it listens. */
function sshdOptions({ addresses, port, metadata }: FirmwareParts): readonly string[] {
  const options = [
    ...addresses.map((address) => `ListenAddress=${address.includes(":") ? `[${address}]` : address}:${port}`),
    // PAM's session modules want a login manager and an audit that a sandbox has not.
    "UsePAM=no",
    `SetEnv=AWS_EC2_METADATA_SERVICE_ENDPOINT=${metadata}`,
  ];
  return options.flatMap((option) => ["-o", option]);
}
