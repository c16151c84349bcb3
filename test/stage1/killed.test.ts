import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startS3 } from "../support/aws/s3-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { S3Rig } from "../support/s3-rig.ts";
import { ended, startStage1, TestKey } from "../support/stage1-rig.ts";

/** What stands for Node: hundreds of boots are a test of stage1. */
const NODE = `#!/bin/sh
[ "$1" != --version ] || { echo v24.0.0; exit; }
state=$BOOTLACE_ROOT/var/lib/bootlace
printf '%s\\n' "$BOOTLACE_BUNDLE $BOOTLACE_DEGRADED" >>"$state/booted"
: >"$state/handoff/ready"
printf 'outcome=done\\nexit=0\\nrun=r1\\n' >"$state/handoff/result"
`;

/** bash counts each command that it is about to run, in functions and files that are read in too. */
const TRACE = `set -T; torture_n=0; trap 'torture_n=$((torture_n+1)); printf "%s %s:%s\\n" "$torture_n" "\${BASH_SOURCE[0]##*/}" "$LINENO" >>"$TRACE"' DEBUG; . "$0"`;
const KILL = `set -T; torture_n=0; trap 'torture_n=$((torture_n+1)); [ "$torture_n" -ne "$KILL_AT" ] || kill -KILL 0' DEBUG; . "$0"`;

let home: string;
beforeAll(() => {
  ensureDebianPackages(["bash", "curl", "openssl"]);
  home = mkdtempSync(join(tmpdir(), "bootlace-killed-"));
  writeFileSync(join(home, "node"), NODE, { mode: 0o755 });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("stage1 that is killed at any of its lines leaves a machine whose next boot ends well", async () => {
  const s3 = await startS3();
  const desk = new S3Rig(s3);
  try {
    // A machine that has something good, and a store with all that can be new: bundle, artifacts, epoch and key.
    const next = new TestKey(1, 2);
    desk.trustKey(next);
    desk.point(desk.putBundle("old"));
    desk.publish();
    const env = { PATH: `${home}:${process.env.PATH}` };
    expect(await desk.run(["sh"], [], env)).toMatchObject({ code: 0 });
    const artifacts = ["one", "two", "three"].map((text) => desk.putArtifact(text.repeat(1000)));
    const list = artifacts.map(({ digest, bytes }) => `${digest} ${bytes} any\n`).join("");
    const fresh = desk.putBundle("new", "good", { "artifacts.list": list });
    desk.point(fresh, { epoch: 2 }, [next]);
    desk.publish();

    const machine = (name: string): { root: string; env: NodeJS.ProcessEnv } => {
      const root = join(home, name);
      cpSync(desk.root, root, { recursive: true });
      return { root, env: { ...env, TRACE: join(root, "trace") } };
    };
    const boot = (root: string, more: NodeJS.ProcessEnv, argv: readonly string[]) =>
      ended(startStage1(argv, ["--root", root], more));

    const traced = machine("traced");
    expect(await boot(traced.root, traced.env, ["bash", "--posix", "-c", TRACE])).toMatchObject({ code: 0 });
    const firsts = new Map<string, number>();
    for (const line of readFileSync(join(traced.root, "trace"), "utf8").trim().split("\n")) {
      const [at, place = ""] = line.split(" ");
      if (!firsts.has(place)) firsts.set(place, Number(at));
    }
    // Fewer would mean that the trap is not in the way: every file that stage1 reads in takes part.
    expect(firsts.size).toBeGreaterThan(250);
    const files = new Set([...firsts.keys()].map((place) => place.split(":")[0]));
    expect([...files]).toEqual(
      expect.arrayContaining(["stage1", "conf", "fetch", "http", "s3", "sigv4", "trust", "verify", "handover"]),
    );

    const torture = async ([place, at]: readonly [string, number]): Promise<void> => {
      const { root, env } = machine(`${place.replace(":", "-")}-${at}`);
      const killed = await boot(root, { ...env, KILL_AT: String(at) }, ["bash", "--posix", "-c", KILL]);
      const after = await boot(root, env, ["sh"]);
      const state = join(root, "var/lib/bootlace");
      const good = readFileSync(join(state, "good"), "utf8");
      expect({
        place,
        killed: killed.signal ?? JSON.stringify(killed),
        code: after.code,
        stderr: after.stderr,
        booted: readFileSync(join(state, "booted"), "utf8").trim().split("\n").at(-1)?.trim(),
        good: /bundle=(.*)/.exec(good)?.[1],
        bundles: readdirSync(join(state, "bundles")).includes(fresh.digest),
        artifacts: readdirSync(join(state, "artifacts")).sort(),
        trusted: readdirSync(join(root, "etc/bootlace/trust")),
        epoch: /^epoch=(\d+)$/m.exec(readFileSync(join(state, "trust/shop.prod"), "utf8"))?.[1],
      }).toEqual({
        place,
        killed: "SIGKILL",
        code: 0,
        stderr: expect.not.stringContaining("no bundle"),
        booted: fresh.digest,
        good: fresh.digest,
        bundles: true,
        artifacts: artifacts.map(({ digest }) => digest).sort(),
        trusted: [`${next.id}.pem`],
        epoch: "2",
      });
      rmSync(root, { recursive: true, force: true });
    };
    const queue = [...firsts];
    const worker = async (): Promise<void> => {
      for (let one = queue.pop(); one; one = queue.pop()) await torture(one);
    };
    await Promise.all([worker(), worker(), worker()]);
  } finally {
    await s3.close();
    desk.dispose();
  }
}, 600_000);
