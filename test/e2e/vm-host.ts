import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "../../src/machine/machine.ts";
import { filesOf } from "../../src/machine/qemu/qemu-spec.ts";
import { runOn, vmState } from "../support/vm.ts";

/**
 * Makes a running VM a host of ~/.ssh/config by the name of `name`, whose login is a user that becomes root by sudo; its
 * host key is known as OpenSSH knows it. Answers the configuration's file.
 */
export async function asSudoHost(dir: string, machine: Machine, name: string): Promise<string> {
  const files = filesOf(dir, machine.name);
  const key = await readFile(`${files.userKey}.pub`, "utf8");
  await runOn(
    machine,
    `useradd -m -s /bin/sh ops && mkdir -p /home/ops/.ssh && echo '${key.trim()}' >/home/ops/.ssh/authorized_keys &&
chown -R ops: /home/ops/.ssh && echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops`,
  );
  const hostKey = await runOn(machine, "cat /etc/ssh/ssh_host_ed25519_key.pub");
  const { port } = await vmState(dir, machine.name);
  const known = join(dir, "known_hosts");
  await writeFile(known, `${name} ${hostKey}\n`);
  const lines = [
    `Host ${name}`,
    "HostName 127.0.0.1",
    `Port ${port}`,
    "User ops",
    `HostKeyAlias ${name}`,
    `IdentityFile ${files.userKey}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${known}`,
    "GlobalKnownHostsFile /dev/null",
  ];
  const config = join(dir, "ssh_config");
  await writeFile(config, `${lines.join("\n  ")}\n`);
  return config;
}
