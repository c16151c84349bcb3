import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import type { PointerBlob } from "../../src/deploy/pointer.ts";
import { startImds } from "../support/aws/imds-server.ts";
import { startS3, TEST_KEY } from "../support/aws/s3-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { S3Rig } from "../support/s3-rig.ts";
import { ended, startStage1, TestKey } from "../support/stage1-rig.ts";

/** What stands for Node: hundreds of boots are a test of stage1. A bundle with a file `dies` does. */
const NODE = `#!/bin/sh
[ "$1" != --version ] || { echo v24.0.0; exit; }
[ ! -e "\${1%/*}/dies" ] || exit 9
state=$BOOTLACE_ROOT/var/lib/bootlace
printf '%s\\n' "$BOOTLACE_BUNDLE" >>"$state/booted"
: >"$state/handoff/ready"
printf 'outcome=done\\nexit=0\\nrun=r1\\n' >"$state/handoff/result"
`;

/**
 * bash counts each command that it is about to run, in functions and files that are read in too. Of each place the first
 * is written down, with what the disk is at that moment.
 */
const TRACE = `set -T; torture_n=0; torture_seen=; trap 'torture_n=$((torture_n+1)); torture_at="\${BASH_SOURCE[0]##*/}:$LINENO"
case "$torture_seen " in
*" $torture_at "*) ;;
*)
  torture_seen="$torture_seen $torture_at"
  printf "%s %s %s\\n" "$torture_n" "$torture_at" "$(find "$TRACED" -printf "%P %i %s %m %T@\\n" | sort | sha256sum)" >>"$TRACE"
  ;;
esac' DEBUG; . "$0"`;
const KILL = `set -T; torture_n=0; trap 'torture_n=$((torture_n+1)); [ "$torture_n" -ne "$KILL_AT" ] || kill -KILL 0' DEBUG; . "$0"`;

const role = { accessKeyId: "ASIAROLEROLEROLEROLE", secretAccessKey: "role/secret", sessionToken: "IQoJ/token==" };

let home: string;
beforeAll(() => {
  ensureDebianPackages(["bash", "curl", "openssl"]);
  home = mkdtempSync(join(tmpdir(), "bootlace-killed-"));
  writeFileSync(join(home, "node"), NODE, { mode: 0o755 });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** One kind of boot. */
interface Boot {
  readonly name: string;
  /** What the store has to say for it, and which bundle is to run in the end. */
  readonly publish: () => { readonly bundle: PointerBlob; readonly artifacts?: readonly string[] };
  /** What is different on the machine, in the boot that is killed and the one after it. */
  readonly prepare?: (root: string, after: boolean) => void;
  readonly flags?: readonly string[];
  /** Files with lines that no boot before it had. */
  readonly reaches: readonly string[];
}

test("stage1 that is killed at any of its lines leaves a machine whose next boot ends well", async () => {
  const s3 = await startS3({ credentials: [TEST_KEY, role] });
  const imds = await startImds({ role: "boot", credentials: role, tags: { "bootlace:services": "web" } });
  const desk = new S3Rig(s3);
  const env = { PATH: `${home}:${process.env.PATH}`, AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url };
  try {
    // A machine that has something good; what comes is of the next epoch, by the next key.
    const next = new TestKey(1, 2);
    desk.trustKey(next);
    const old = desk.putBundle("old");
    desk.point(old);
    desk.publish();
    expect(await desk.run(["sh"], [], env)).toMatchObject({ code: 0 });
    const conf = (root: string, more: Readonly<Record<string, string>>): void => {
      desk.follow(more);
      cpSync(join(desk.root, "etc/bootlace/boot.conf"), join(root, "etc/bootlace/boot.conf"));
    };

    const boots: readonly Boot[] = [
      {
        name: "new bundle, artifacts, the end of a key",
        publish() {
          const artifacts = ["one", "two", "three"].map((text) => desk.putArtifact(text.repeat(1000)));
          const list = artifacts.map(({ digest, bytes }) => `${digest} ${bytes} any\n`).join("");
          const bundle = desk.putBundle("new", "good", { "artifacts.list": list });
          desk.point(bundle, { epoch: 2 }, [next]);
          return { bundle, artifacts: artifacts.map(({ digest }) => digest).sort() };
        },
        // A busy computer is no part of what is tested.
        prepare: (root) => conf(root, { deadline: "60" }),
        reaches: ["stage1", "conf", "fetch", "http", "s3", "sigv4", "credentials", "trust", "verify", "handover"],
      },
      {
        name: "the store is gone, and back at the next boot",
        publish() {
          const bundle = desk.putBundle("later");
          desk.point(bundle, { epoch: 2 }, [next]);
          return { bundle };
        },
        prepare: (root, after) => conf(root, after ? {} : { endpoint: "http://127.0.0.1:1", deadline: "4" }),
        reaches: ["stage1", "handover"],
      },
      {
        name: "the new bundle does not come up",
        publish() {
          desk.point(desk.putBundle("dead", "good", { dies: "" }), { epoch: 2 }, [next]);
          return { bundle: old };
        },
        reaches: ["handover"],
      },
      {
        name: "runtime, instance role, tags, a channel that was asked for",
        publish() {
          const bundle = desk.putBundle("by role");
          const node = tarStream([{ path: "bin/node", mode: 0o755, bytes: Buffer.from(NODE) }]);
          const platform = process.arch === "arm64" ? "linux-arm64-glibc" : "linux-x64-glibc";
          desk.point(bundle, { epoch: 2, runtimes: { [platform]: desk.putTar(node, "runtimes") } }, [next]);
          return { bundle };
        },
        prepare: (root) => conf(root, { auth: "role", runtime: "digest", tags: "channel,services" }),
        flags: ["--channel", "prod"],
        reaches: ["imds", "stage1"],
      },
    ];

    const seen = new Set<string>();
    let kills = 0;
    for (const boot of boots) kills += await torture(boot, desk, env, seen);
    // Fewer would mean that the trap is not in the way.
    expect(seen.size).toBeGreaterThan(400);
    expect(kills).toBeGreaterThan(35);
  } finally {
    await imds.close();
    await s3.close();
    desk.dispose();
  }
});

/**
 * Kills one kind of boot at each line that none before it had, once. Of lines between which nothing on the disk changed the
 * first stands for all: the next boot sees the same. Returns how often it killed.
 */
async function torture(boot: Boot, desk: S3Rig, env: NodeJS.ProcessEnv, seen: Set<string>): Promise<number> {
  const { bundle, artifacts = [] } = boot.publish();
  desk.publish();
  const machine = (name: string): string => {
    const root = mkdtempSync(join(home, `${name}-`));
    cpSync(desk.root, root, { recursive: true });
    mkdirSync(join(root, "tmp"), { recursive: true });
    return root;
  };
  const run = (root: string, argv: readonly string[], more: NodeJS.ProcessEnv, after: boolean) => {
    boot.prepare?.(root, after);
    return ended(startStage1(argv, ["--root", root, ...(boot.flags ?? [])], { ...env, ...more }));
  };

  const traced = machine("traced");
  const trace = `${traced}.trace`;
  const tracing = { TRACE: trace, TRACED: traced };
  expect(await run(traced, ["bash", "--posix", "-c", TRACE], tracing, false)).toMatchObject({ code: 0 });
  const firsts = new Map<string, string>();
  const disks = new Map<string, readonly [place: string, at: string]>();
  for (const line of readFileSync(trace, "utf8").trim().split("\n")) {
    const [at = "", place = "", disk = ""] = line.split(" ");
    if (seen.has(place) || firsts.has(place)) continue;
    firsts.set(place, at);
    if (!disks.has(disk)) disks.set(disk, [place, at]);
  }
  const files = new Set([...firsts.keys()].map((place) => place.split(":")[0]));
  expect({ boot: boot.name, files: [...files] }).toEqual({
    boot: boot.name,
    files: expect.arrayContaining([...boot.reaches]),
  });
  for (const place of firsts.keys()) seen.add(place);

  const one = async (place: string, at: string): Promise<void> => {
    const root = machine("killed");
    const killed = await run(root, ["bash", "--posix", "-c", KILL], { KILL_AT: at }, false);
    const after = await run(root, ["sh"], {}, true);
    const state = join(root, "var/lib/bootlace");
    const text = (name: string): string => readFileSync(join(state, name), "utf8").trim();
    const dead = bundle.digest === /bundle=(.*)/.exec(text("good"))?.[1];
    expect({
      boot: boot.name,
      place,
      killed: killed.signal ?? killed,
      code: after.code,
      stderr: after.stderr,
      booted: text("booted").split("\n").at(-1),
      good: dead,
      artifacts: readdirSync(join(state, "artifacts")).sort(),
      keys: readdirSync(join(root, "etc/bootlace/trust")).length,
      epoch: /^epoch=(\d+)$/m.exec(text("trust/shop.prod"))?.[1],
    }).toEqual({
      boot: boot.name,
      place,
      killed: "SIGKILL",
      code: 0,
      stderr: expect.not.stringContaining("no bundle"),
      booted: bundle.digest,
      good: true,
      artifacts,
      keys: 1,
      epoch: "2",
    });
    rmSync(root, { recursive: true, force: true });
  };
  const queue = [...disks.values()];
  const worker = async (): Promise<void> => {
    for (let next = queue.pop(); next; next = queue.pop()) await one(...next);
  };
  await Promise.all([worker(), worker(), worker()]);
  return disks.size;
}
