import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import { type S3Key, startS3, TEST_KEY } from "../support/aws/s3-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { S3Rig } from "../support/s3-rig.ts";
import type { Outcome } from "../support/stage1-rig.ts";

beforeAll(() => ensureDebianPackages(["curl", "dash"]));
const rigs: S3Rig[] = [];
afterEach(async () => {
  await rigs[0]?.s3.close();
  for (const rig of rigs.splice(0)) rig.dispose();
});

/** On a computer with time for them, 200 have been tried: `BOOTLACE_TEST_FLEET=200`. */
const MACHINES = Number(process.env.BOOTLACE_TEST_FLEET ?? 50);
const TURNED_AWAY = MACHINES * 0.6;
/** What the endpoint asks for, seconds: longer than these two cores need to start them all, so that it is seen on its own. */
const WAIT = 10;

/** What stands for Node: so many of those would be a test of this computer's memory. */
const NODE = `#!/bin/dash
[ "$1" != --version ] || { echo v20.0.0; exit; }
state=$BOOTLACE_ROOT/var/lib/bootlace
echo ran >>"$state/ran"
: >"$state/handoff/ready"
printf 'outcome=done\\nexit=0\\nrun=r1\\n' >"$state/handoff/result"
`;

test("a fleet of stage1 that boots at once from one endpoint, which turns most of it away at first, ends well and does not come back together", async () => {
  // A key for each machine, so that the endpoint can tell them apart.
  const keys = Array.from({ length: MACHINES }, (_, at): S3Key => ({ ...TEST_KEY, accessKeyId: `AKIAMACHINE${at}` }));
  const s3 = await startS3({ credentials: keys });
  const fleet = keys.map((key) => {
    const rig = new S3Rig(s3);
    rigs.push(rig);
    rig.writeKeys(key);
    rig.follow({ deadline: "600" });
    return rig;
  });
  const [desk] = fleet;
  if (!desk) throw new Error("No machines");
  const tools = join(desk.home, "tools");
  mkdirSync(tools);
  writeFileSync(join(tools, "node"), NODE, { mode: 0o755 });
  desk.point(desk.putTar(tarStream([{ path: "stage2.mjs", mode: 0o644, bytes: Buffer.from("//\n") }])));
  desk.publish();
  s3.misbehave({
    key: /channels/,
    fault: { kind: "status", status: 503, headers: { "retry-after": `${WAIT}` } },
    times: TURNED_AWAY,
  });

  const env = { PATH: `${tools}:${process.env.PATH}` };
  const outcomes: Outcome[] = await Promise.all(
    fleet.map((rig) => {
      rig.trustKey(desk.key);
      // The endpoint is on the computer that the machines share: they are not to keep it from answering.
      return rig.run(["nice", "-n", "19", "dash"], [], env);
    }),
  );
  expect(outcomes.filter(({ code }) => code !== 0)).toEqual([]);
  expect(fleet.map((rig) => readFileSync(join(rig.state, "ran"), "utf8"))).toEqual(fleet.map(() => "ran\n"));

  // How long after it was turned away for the first time each machine came again.
  const waits: number[] = [];
  for (const { accessKeyId } of keys) {
    const asked = s3.requests.filter(
      ({ key, headers }) => key.includes("channels") && headers.authorization?.includes(`${accessKeyId}/`),
    );
    const [first, second] = asked;
    if (first?.status === 503 && second) waits.push(second.at - first.at);
  }
  expect(waits).toHaveLength(TURNED_AWAY);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(WAIT * 1000);
  // Ten seconds and up to ten more: were all to wait the same, most of those seconds would see nobody.
  const seconds = new Set(waits.map((wait) => Math.floor(wait / 1000) - WAIT).filter((second) => second < WAIT));
  expect(seconds.size).toBeGreaterThanOrEqual(6);
});
