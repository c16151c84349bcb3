import { mkdtempSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { lookUp } from "../../src/machine/find-machine.ts";
import { machineNames } from "../../src/machine/machine-folder.ts";

/** A script holds here until the file is gone; it is on the disk, so it holds over reboots too. */
const HOLD = "while [ -e /srv/hold ]; do sleep 0.2; done";

/** What tells a machine from its sisters, in a form that the builder may leave in the image. */
export const IDENTITY = "for f in /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub; do sha256sum <$f; done";

/** `base` asks for a reboot in its init; `web` is a unit of systemd; the others are asked for later. */
const FILES: Readonly<Record<string, string>> = {
  "bootlace.yaml": `name: e2e
services: [web]
secrets: {base.token: "env:BOOTLACE_E2E_TOKEN", leaky.token: "env:BOOTLACE_E2E_TOKEN"}
images:
  web: {on: qemu, from: {debian: bookworm}}
  more: {on: qemu, from: web, services: [web, late]}
  leaky: {on: qemu, from: web, services: [leaky]}
machines:
  dev: {on: qemu, from: web}
`,
  "services/base/service.yaml": `description: Base
secrets: {token: {phases: [init]}}
init: |
  test -s "$BOOTLACE_CREDENTIALS/token" || [ -e "$BOOTLACE_STATE/rebooted" ]
  echo "$(cat /proc/sys/kernel/random/boot_id) $BOOTLACE_REASON" >>/srv/boots
  { ${IDENTITY}; } >/srv/builder
  [ -e "$BOOTLACE_STATE/rebooted" ] || { : >"$BOOTLACE_STATE/rebooted"; exit 194; }
`,
  "services/web/service.yaml": `description: Web
requires: [base]
needs: [systemd]
init: |
  printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/web.service
  systemctl enable web
update: |
  echo "$BOOTLACE_BOOT $BOOTLACE_REASON" >>/srv/updates
  ${HOLD}
  systemctl restart web
ready: {run: systemctl is-active -q web, within: 60s}
`,
  "services/lib/service.yaml": "description: Lib\ninit: echo lib >>/srv/late\n",
  "services/late/service.yaml":
    "description: Late\nrequires: [lib]\ninit: echo late >>/srv/late\nupdate: echo late-update >>/srv/late\n",
  "services/leaky/service.yaml": `description: Leaves a secret in the image
secrets: {token: {phases: [init]}}
init: base64 -w0 "$BOOTLACE_CREDENTIALS/token" >"$BOOTLACE_STATE/copy"
`,
  "services/slow/service.yaml": `description: Slow
init: |
  echo "$BOOTLACE_REASON" >>/srv/slow
  sync
  ${HOLD}
  echo done >>/srv/slow
`,
  "services/cut/service.yaml": `description: Cut
init: |
  echo one; ${HOLD}; echo two
`,
  "services/gone/service.yaml": `description: Gone
init: |
  echo one; ${HOLD}; echo two
`,
  "services/again/service.yaml": `description: Reboots once
init: |
  echo "$BOOTLACE_REASON" >>/srv/again
  [ "$BOOTLACE_REASON" != new ] || exit 194
`,
  "services/unhooked/service.yaml": `description: Reboots once on a machine without a boot hook
init: |
  echo "$BOOTLACE_REASON" >>/srv/unhooked
  [ "$BOOTLACE_REASON" != new ] || exit 194
`,
  "services/full/service.yaml": `description: Fills the disk the first time
init: |
  [ "$BOOTLACE_REASON" != failed-before ] || exit 0
  fallocate -l "$(df --output=avail -B1 / | tail -n 1)" /srv/full || :
  dd if=/dev/zero of=/srv/full2 bs=1M 2>/dev/null; rm -f /srv/full2; cp /bin/sh /srv/full3
`,
};

export interface E2eProject {
  readonly dir: string;
  remove(): Promise<void>;
}

/** The project in a folder that outlives single tests. */
export async function e2eProject(): Promise<E2eProject> {
  const dir = mkdtempSync(join(tmpdir(), "bootlace-e2e-"));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return {
    dir,
    async remove() {
      for (const name of await machineNames(dir)) await (await lookUp(dir, name))?.dispose();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
