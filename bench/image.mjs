// From start to image file: Bootlace, Packer's qemu builder and a minimal shell script, on one made base, with one and the
// same ten scripts. Needs qemu-system-x86, qemu-utils and, for its row, packer. Takes some minutes a round.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { folder } from "./machine.mjs";
import { has } from "./measure.mjs";

const BOOTLACE = fileURLToPath(new URL("../bin/bootlace.js", import.meta.url));
const BY_HAND = fileURLToPath(new URL("image-by-hand.sh", import.meta.url));

/** What somebody puts into an image: packages, a user, files, a unit, something to compute. */
const SCRIPTS = [
  "apt-get -qq update\nDEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install nginx-light jq rsync >/dev/null",
  "useradd --system --create-home --home-dir /srv/shop shop",
  "mkdir -p /etc/shop && seq 2000 | sed 's/^/key/' >/etc/shop/keys",
  "printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/shop.service\nsystemctl -q enable shop",
  "echo 'net.core.somaxconn = 1024' >/etc/sysctl.d/shop.conf",
  "head -c 30000000 /dev/urandom | gzip -1 >/srv/blob.gz",
  "sha256sum /srv/blob.gz >/srv/blob.sha256 2>/dev/null || sleep 0",
  'mkdir -p /srv/www && for i in $(seq 200); do echo "page $i" >/srv/www/$i.html; done',
  "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=shop -keyout /dev/null -out /etc/shop/cert.pem 2>/dev/null",
  "tar -C /usr/share -czf /srv/share.tgz doc 2>/dev/null",
];

/** @param only the beginning of a row's name; default: all rows. */
export function benchImage(rounds = 1, only = "") {
  const dir = folder();
  try {
    return bench(dir, rounds, only);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function bench(dir, rounds, only) {
  const services = SCRIPTS.map((_, at) => `s${at}`);
  writeFileSync(
    join(dir, "bootlace.yaml"),
    `name: bench\nservices: [${services.join(", ")}]\nimages:\n  web: {on: qemu, from: {debian: bookworm}}\n  base: {on: qemu, from: {debian: bookworm}, services: [s0]}\n`,
  );
  const scripts = join(dir, "scripts");
  mkdirSync(scripts);
  for (const [at, text] of SCRIPTS.entries()) {
    const service = join(dir, "services", `s${at}`);
    mkdirSync(service, { recursive: true });
    // In order, as the others have them: what Bootlace gains by running them side by side is not counted here.
    const requires = at === 0 ? "" : `requires: [s${at - 1}]\n`;
    writeFileSync(join(service, "service.yaml"), `description: Script ${at}\n${requires}init: ./init.sh\n`);
    writeFileSync(join(service, "init.sh"), `#!/bin/sh\nset -e\n${text}\n`);
    writeFileSync(join(scripts, `${at}.sh`), `${text}\n`);
  }
  // Makes the base that all three begin with.
  bootlaceBuild(dir, "base");
  const base = newestBase();
  const key = join(dir, "key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const runs = [
    ["shell script, minimal", () => byHand(dir, base, key, scripts)],
    ["bootlace, to the image file", () => bootlaceBuild(dir)],
    ...(has("packer") ? [["packer, qemu builder", () => packer(dir, base, key, scripts)]] : []),
  ]
    .filter(([name]) => name.startsWith(only))
    .map(([name, run]) => ({ name, run, times: [], smoke: [] }));
  for (let round = 0; round < rounds; round++)
    for (const row of runs) {
      const { ms, whole } = row.run();
      row.times.push(ms);
      if (process.env.BENCH_STEPS) process.stderr.write(`${row.name}: ${(ms / 1000).toFixed(1)} s\n`);
      if (whole) row.smoke.push(whole);
    }
  return tableOf(runs);
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

function tableOf(runs) {
  const reference = median(runs[0].times);
  const rows = runs.map(({ name, times }) => {
    const ms = median(times);
    return `| ${name} | ${(ms / 1000).toFixed(1)} | ${times.map((time) => (time / 1000).toFixed(1)).join(", ")} | ${(ms / reference).toFixed(2)} |`;
  });
  const whole = median(runs.flatMap(({ smoke }) => smoke));
  return [
    "### Image of a VM, ten scripts in order, emulated processor",
    "",
    "Bar: at most 1.05 × the shell script, faster than Packer.",
    "",
    "| | median s | all | × shell script, minimal |",
    "|---|---:|---|---:|",
    ...rows,
    "",
    `Bootlace's time holds sealing and verify clean. With the smoke test (a second machine, booted from the image): ${(whole / 1000).toFixed(1)} s.`,
    "",
  ].join("\n");
}

function bootlaceBuild(dir, image = "web") {
  const start = Date.now();
  const said = execFileSync(process.execPath, [BOOTLACE, "-C", dir, "build", image, "--force", "--json"], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const events = said
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (process.env.BENCH_STEPS)
    for (const { k, t, step, svc, ms } of events)
      if (k === "desk-done" || k === "done" || k === "open" || k === "close")
        process.stderr.write(`${t - start} ${k} ${step ?? svc ?? ""} ${ms ?? ""}\n`);
  const captured = events.find(({ k, step }) => k === "desk-done" && step === "capture");
  return { ms: captured.t - start, whole: Date.now() - start };
}

function newestBase() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bootlace/qemu");
  const records = readdirSync(join(cache, "made"))
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(cache, "made", name), "utf8")))
    .sort((a, b) => b.made - a.made);
  const file = (end) => join(cache, "disks", `${records[0].digest}.${end}`);
  return { disk: file("qcow2"), kernel: file("kernel"), initrd: file("initrd") };
}

function timed(argv, env = process.env) {
  const start = performance.now();
  const result = spawnSync(argv[0], argv.slice(1), { encoding: "utf8", env });
  if (result.status !== 0) throw new Error(`${argv[0]} exits ${result.status}: ${result.stdout}${result.stderr}`);
  return { ms: performance.now() - start };
}

function byHand(dir, { disk, kernel, initrd }, key, scripts) {
  const output = join(dir, "by-hand.qcow2");
  rmSync(output, { force: true });
  return timed([BY_HAND, disk, kernel, initrd, key, scripts, output]);
}

function packer(dir, { disk, kernel, initrd }, key, scripts) {
  const output = join(dir, "packer");
  rmSync(output, { recursive: true, force: true });
  const authorized = readFileSync(`${key}.pub`).toString("base64");
  const template = join(dir, "packer.json");
  const builder = {
    type: "qemu",
    accelerator: "tcg",
    disk_image: true,
    // With a backing file this Packer names no format of it, which today's qemu-img refuses: it copies the disk.
    use_backing_file: false,
    skip_compaction: false,
    disk_compression: true,
    iso_url: disk,
    iso_checksum: "none",
    format: "qcow2",
    headless: true,
    disk_cache: "unsafe",
    disk_discard: "unmap",
    boot_wait: "0s",
    output_directory: output,
    ssh_username: "root",
    ssh_private_key_file: key,
    ssh_timeout: "10m",
    shutdown_command:
      "rm -f /etc/ssh/ssh_host_*; : >/etc/machine-id; rm -rf /var/log/journal/*; fstrim -a; systemctl poweroff",
    qemuargs: [
      ["-machine", "q35,accel=tcg"],
      ["-cpu", "max"],
      ["-smp", "2"],
      ["-m", "1G"],
      ["-device", "virtio-rng-pci"],
      ["-device", "virtio-net-pci,netdev=user.0,romfile="],
      ["-kernel", kernel],
      ["-initrd", initrd],
      [
        "-append",
        `root=LABEL=bootlace rw console=ttyS0 quiet bootlace.machine=packer bootlace.authorized=${authorized}`,
      ],
    ],
  };
  const provisioners = readdirSync(scripts)
    .sort()
    .map((name) => ({ type: "shell", script: join(scripts, name) }));
  writeFileSync(template, JSON.stringify({ builders: [builder], provisioners }));
  return timed(["packer", "build", "-color=false", template], {
    ...process.env,
    PACKER_CACHE_DIR: join(dir, "packer-cache"),
    CHECKPOINT_DISABLE: "1",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(benchImage(Number(process.argv[2] ?? 1), process.argv[3]));
