import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { ensureDebianPackages } from "../support/debian.ts";
import { type S3Rig, useS3Rigs } from "../support/s3-rig.ts";

const start = useS3Rigs(afterEach);
beforeAll(() => ensureDebianPackages(["curl", "dash"]));

/** What stage1 starts on the way from S3 to a machine; without what only signs. */
const SHIMMED = [
  "cp",
  "curl",
  "gzip",
  "head",
  "ls",
  "mkdir",
  "mv",
  "node",
  "openssl",
  "rm",
  "sync",
  "tail",
  "tar",
  "wc",
];

/** A PATH whose tools count themselves and kill the whole of stage1 when their number comes up. */
function killingPath(rig: S3Rig): string {
  const folder = join(rig.home, "killing");
  mkdirSync(folder);
  for (const tool of SHIMMED) {
    const real = tool === "node" ? process.execPath : execFileSync("which", [tool]).toString().trim();
    const text = `#!/bin/dash
printf x >>"$KILL_COUNT"
[ "$(/usr/bin/wc -c <"$KILL_COUNT")" -lt "$KILL_AT" ] || kill -KILL 0
exec ${real} "$@"
`;
    writeFileSync(join(folder, tool), text, { mode: 0o755 });
  }
  return `${folder}:${process.env.PATH}`;
}

test("stage1 that is killed before any of its commands, on the way from S3 with artifacts, ends well at the next boot", async () => {
  const rig = await start();
  rig.follow({ deadline: "20" });
  const artifacts = ["a", "b"].map((text) => text.repeat(9000));
  const digests = artifacts.map((text) => createHash("sha256").update(text).digest("hex"));
  const bundle = rig.putBundle("new", "good", { "artifacts.list": digests.map((one) => `${one} 9000 any\n`).join("") });
  rig.point(bundle);
  rig.publish();
  for (const [at, text] of artifacts.entries()) rig.s3.put(`shop/artifacts/${digests[at]}`, text);
  const path = killingPath(rig);
  let at = 1;
  for (let finished = false; !finished; at++) {
    rmSync(rig.state, { recursive: true, force: true });
    const env = { PATH: path, KILL_COUNT: join(rig.home, `count-${at}`), KILL_AT: String(at) };
    finished = (await rig.run(["dash"], [], env)).signal === null;
    const { code, stderr } = await rig.run(["dash"]);
    expect({ at, code, stderr }).toMatchObject({ at, code: 0 });
    expect({ at, good: rig.record("good")?.bundle }).toEqual({ at, good: bundle.digest });
    expect({ at, artifacts: readdirSync(join(rig.state, "artifacts")).sort() }).toEqual({
      at,
      artifacts: [...digests].sort(),
    });
  }
  // Fewer would mean that the shims were not in the way.
  expect(at).toBeGreaterThan(40);
});
