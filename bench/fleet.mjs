// A desk and its hosts: one command on each of 100 hosts, 100 commands on one of them, and 50 MB to it, beside ansible and
// ssh. Root; a second name for root, bl-bench, is made and removed: what root's own shell reads at each command is no part of it.
//   node bench/fleet.mjs [each|many|upload]     HOSTS=100 PARALLEL=10 ROUNDS=3 LEAVE_OUT=mitogen
// The hosts are one sshd on 100 loopback addresses, so both ends share this computer's processors.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { has, measure, table } from "./measure.mjs";

const HOSTS = Number(process.env.HOSTS ?? 100);
const PARALLEL = Number(process.env.PARALLEL ?? 10);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
/** Words of peers to leave out: `LEAVE_OUT="mitogen,one after"`. */
const leftOut = (process.env.LEAVE_OUT ?? "").split(",").filter(Boolean);
const chosen = (commands) =>
  commands
    .filter(({ name }) => !leftOut.some((word) => name.includes(word)))
    .map((command) => ({ ...command, argv: command.argv.map(String) }));
const USER = "bl-bench";
const UPLOAD = 50_000_000;
/** `each`, `many`, `upload`; all without. */
const WHICH = process.argv[2];
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "bootlace-fleet-"));
const file = (name, text) => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return join(dir, name);
};
const addresses = Array.from({ length: HOSTS }, (_, at) => `127.0.1.${at + 1}`);

/** A port that is free on all addresses, in all likelihood: sshd says if it is not. */
const PORT = 20000 + (process.pid % 10000);

async function startSshd() {
  execFileSync("useradd", [
    "--non-unique",
    "--uid=0",
    "--gid=0",
    "--create-home",
    "--home-dir",
    join(dir, "home"),
    "--shell",
    "/bin/sh",
    "--password",
    "*",
    USER,
  ]);
  chmodSync(dir, 0o711);
  for (const name of ["host", "user"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  writeFileSync(join(dir, "authorized_keys"), readFileSync(join(dir, "user.pub")));
  const config = [
    `ListenAddress 0.0.0.0:${PORT}`,
    `HostKey ${dir}/host`,
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    "MaxStartups 1000",
    "PidFile none",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "StrictModes no",
    // For ansible without pipelining, which copies its modules.
    "Subsystem sftp internal-sftp",
  ];
  // Its log is a file: nobody would read a pipe while commands are timed, and a full one holds up sshd.
  const argv = ["-D", "-E", join(dir, "log"), "-f", file("sshd_config", `${config.join("\n")}\n`)];
  const child = spawn("/usr/sbin/sshd", argv, { stdio: "ignore" });
  let over = false;
  child.once("exit", () => {
    over = true;
  });
  while (!(await answers(PORT))) if (over) throw new Error(`sshd did not start: ${readFileSync(join(dir, "log"))}`);
  return child;
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    }).once("error", () => setTimeout(resolve, 50, false));
  });

function sshConfig() {
  const key = readFileSync(join(dir, "host.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  file("known_hosts", addresses.map((address) => `[${address}]:${PORT} ${key}\n`).join(""));
  return file(
    "config",
    `Host *\n  User ${USER}\n  Port ${PORT}\n  IdentityFile ${dir}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile ${dir}/known_hosts\n  GlobalKnownHostsFile /dev/null\n`,
  );
}

/** The session layer as commands use it, without a project around it. Arguments: how many at a time, times, hosts. */
async function deskProgram() {
  const outfile = join(ROOT, "node_modules/.cache", `bench-fleet-${process.pid}.mjs`);
  await build({
    stdin: {
      contents: `
        import { onEach } from "./fleet/on-each.ts";
        import { hostMachine } from "./machine/host/host-machine.ts";
        import { createReadStream } from "node:fs";
        const [parallel, times, upload, ...hosts] = process.argv.slice(2);
        const targets = hosts.map((name) => ({ name, machine: hostMachine({ target: name }, { dir: "/nonexistent" }) }));
        const results = await onEach(targets, Number(parallel), new AbortController().signal, async (session) => {
          if (upload) {
            const stdin = createReadStream(upload, { highWaterMark: 1 << 18 });
            if ((await session.exec(["sh", "-c", "cat >upload"], { stdin })).exit !== 0) throw new Error("cat failed");
          }
          for (let n = 0; n < Number(times); n++)
            if ((await session.exec(["true"])).exit !== 0) throw new Error("true failed");
          return {};
        });
        const bad = results.find(({ outcome }) => outcome !== "done");
        if (bad) throw new Error(JSON.stringify(bad));`,
      resolveDir: join(ROOT, "src"),
    },
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  return outfile;
}

/** ssh2 alone: what one connection and its channels cost with nothing around them. */
function bareProgram() {
  const path = join(ROOT, "node_modules/.cache", `bench-bare-${process.pid}.mjs`);
  writeFileSync(
    path,
    `import { connect } from "node:net"; import { readFileSync } from "node:fs"; import ssh2 from "ssh2";
     const [host, port, key, times] = process.argv.slice(2);
     const client = new ssh2.Client();
     client.on("ready", () => {
       let left = Number(times);
       const next = () => left-- === 0 ? client.end() : client.exec("true", (error, channel) => {
         if (error) throw error;
         channel.on("close", next).resume(); channel.stderr.resume(); channel.end();
       });
       next();
     }).connect({ sock: connect({ host, port: Number(port), noDelay: true }), username: "${USER}", privateKey: readFileSync(key) });`,
  );
  return path;
}

// Mitogen's children close every descriptor that they could have, one by one: a million take seconds.
spawnSync("prlimit", ["--pid", String(process.pid), "--nofile=4096:4096"]);
const sshd = await startSshd();
const made = [];
try {
  const config = sshConfig();
  const inventory = file("hosts", addresses.map((address) => `${address}\n`).join(""));
  const one = file("one", `${addresses[0]}\n`);
  const tasks = Array.from({ length: 100 }, () => "    - command: 'true'\n").join("");
  const playbook = file("play.yml", `- hosts: all\n  gather_facts: false\n  tasks:\n${tasks}`);
  const desk = await deskProgram();
  const bare = bareProgram();
  made.push(desk, bare);

  const env = (...more) => ["env", `BOOTLACE_SSH_CONFIG=${config}`, ...more];
  const mitogen = "/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy";
  const ansibleEnv = (...more) =>
    env(
      `HOME=${dir}`,
      `ANSIBLE_SSH_ARGS=-F ${config} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=${dir}/cp-%C`,
      "ANSIBLE_HOST_KEY_CHECKING=True",
      "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3",
      `ANSIBLE_LOCAL_TEMP=${dir}/ansible`,
      `ANSIBLE_REMOTE_TEMP=${dir}/remote`,
      `ANSIBLE_REMOTE_PORT=${PORT}`,
      `ANSIBLE_REMOTE_USER=${USER}`,
      `ANSIBLE_PRIVATE_KEY_FILE=${dir}/user`,
      ...more,
    );
  const kinds = [
    ["ansible", []],
    ["ansible, pipelining", ["ANSIBLE_PIPELINING=True"]],
    [
      "ansible, mitogen",
      ["ANSIBLE_STRATEGY=mitogen_linear", `ANSIBLE_STRATEGY_PLUGINS=${mitogen}`, "MITOGEN_POOL_SIZE=32"],
    ],
  ].filter(
    ([name]) => has("ansible") && (!name.endsWith("mitogen") || spawnSync("test", ["-d", mitogen]).status === 0),
  );
  // Masters of an earlier round would spare a run its connections.
  const cold = () => {
    spawnSync("sh", ["-c", `for s in ${dir}/cp-*; do [ ! -S "$s" ] || ssh -o ControlPath="$s" -O exit x; done`], {
      stdio: "ignore",
    });
  };
  const sh = (line) => ["sh", "-c", line];

  const each = [
    { name: "bootlace, session layer", argv: env(process.execPath, desk, PARALLEL, 1, "", ...addresses), before: cold },
    {
      name: "ssh, xargs -P",
      argv: sh(`xargs -P ${PARALLEL} -I{} ssh -F ${config} {} true <${inventory}`),
      before: cold,
    },
    {
      name: "ssh, one after the other",
      argv: sh(`while read -r h; do ssh -n -F ${config} "$h" true || exit; done <${inventory}`),
      before: cold,
    },
    ...kinds.map(([name, more]) => ({
      name,
      argv: [
        ...ansibleEnv(...more),
        "ansible",
        "-i",
        inventory,
        "-f",
        String(PARALLEL),
        "all",
        "-m",
        "command",
        "-a",
        "true",
      ],
      before: cold,
    })),
  ];
  if (WHICH === undefined || WHICH === "each")
    console.log(
      table(
        `One command on each of ${HOSTS} hosts, ${PARALLEL} at a time, two cores for both ends`,
        measure(chosen(each), ROUNDS),
        "ssh, xargs -P",
      ),
    );

  // Without its standard error away the master would keep it, and whoever waits for its end, for a minute.
  const master = `ssh -F ${config} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=${dir}/cp-%C`;
  const many = [
    { name: "bootlace, session layer", argv: env(process.execPath, desk, 1, 100, "", addresses[0]), before: cold },
    { name: "ssh2 alone", argv: [process.execPath, bare, addresses[0], PORT, join(dir, "user"), 100], before: cold },
    {
      name: "ssh, ControlMaster",
      argv: sh(`for n in $(seq 100); do ${master} -n ${addresses[0]} true 2>/dev/null || exit; done`),
      before: cold,
    },
    ...kinds.map(([name, more]) => ({
      name,
      argv: [...ansibleEnv(...more), "ansible-playbook", "-i", one, playbook],
      before: cold,
    })),
  ];
  if (WHICH === undefined || WHICH === "many")
    console.log(
      table(
        "100 commands on one host, one after the other",
        measure(chosen(many), ROUNDS),
        "ssh2 alone",
        "Bar: 1.2 × the best; a twentieth of ansible.",
      ),
    );
  const blob = join(dir, "blob");
  writeFileSync(blob, randomBytes(UPLOAD));
  const uploads = [
    { name: "ssh host 'cat >file'", argv: sh(`ssh -F ${config} ${addresses[0]} 'cat >upload' <${blob}`), before: cold },
    { name: "bootlace, session layer", argv: env(process.execPath, desk, 1, 0, blob, addresses[0]), before: cold },
  ];
  if (WHICH === undefined || WHICH === "upload")
    console.log(
      table(
        "50 MB that do not compress, to one host, start and login included",
        measure(chosen(uploads), ROUNDS),
        "ssh host 'cat >file'",
        "Bar: 1.15 × ssh.",
      ),
    );
  cold();
} finally {
  // --force: its uid is root's, so it is always in use.
  spawnSync("userdel", ["--force", USER]);
  sshd.kill("SIGKILL");
  for (const path of made) rmSync(path, { force: true });
  rmSync(dir, { recursive: true, force: true });
}
