// Runs every benchmark and writes bench/RESULTS.md. Peers that are not installed are left out of the tables.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { benchBoot } from "./boot.mjs";
import { benchChain } from "./chain.mjs";
import { benchDesk } from "./desk.mjs";
import { benchGraph } from "./graph.mjs";
import { benchImage } from "./image.mjs";
import { has } from "./measure.mjs";

const say = (...argv) => {
  try {
    return execFileSync(argv[0], argv.slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split("\n")[0];
  } catch {
    return `${argv[0]}: not installed`;
  }
};
const osName = /PRETTY_NAME="(.*)"/.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const commit = say("git", "describe", "--always", "--dirty");

const head = `# Results

\`node bench/all.mjs\`, ${new Date().toISOString().slice(0, 10)}, Bootlace ${version} (${commit}).
Commands of a table take turns in one run; medians in milliseconds, process start included; MB is the largest resident set.

- ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${osName}, kernel ${say("uname", "-r")}, ${say("stat", "-f", "-c", "%T", "/tmp")} on /tmp
- Node ${process.version} · ${say("make", "--version")} · ${say("bash", "--version")} · ${say("xargs", "--version")} · ${say("cloud-init", "--version")} · ${say("ansible-playbook", "--version")} · ${say("ssh", "-V")} · ${say("qemu-system-x86_64", "--version")} · ${say("packer", "version")}
`;
const notes = readFileSync(new URL("NOTES.md", import.meta.url), "utf8");
/** Its sshd and its limits are a process's own. */
const fleet = () =>
  execFileSync(process.execPath, [new URL("fleet.mjs", import.meta.url).pathname], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
    stdio: ["ignore", "pipe", "inherit"],
  });
const parts = [
  benchChain(),
  benchGraph(),
  benchDesk(),
  await benchBoot(),
  ...(has("/usr/sbin/sshd") ? [fleet()] : []),
  ...(has("qemu-system-x86_64") ? [benchImage()] : []),
];
writeFileSync(new URL("RESULTS.md", import.meta.url), [head, ...parts, notes].join("\n"));
