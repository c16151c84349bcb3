import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { startImds } from "../support/aws/imds-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { useS3Rigs } from "../support/s3-rig.ts";

const start = useS3Rigs(afterEach);
beforeAll(() => ensureDebianPackages(["curl", "dash", "openssl", "strace"]));

const A = { accessKeyId: "ASIAFIRSTFIRSTFIRST1", secretAccessKey: "first/secret", sessionToken: "first+token==" };

test("docs/tools.md lists every program that stage1 starts on the way to a bundle in S3", async () => {
  const imds = await startImds({ role: "web-role", credentials: A, tags: {} });
  const rig = await start({ credentials: [A] });
  rig.follow({ auth: "role", keysfile: "", tags: "services,channel", deadline: "20" });
  const artifact = "artifact";
  const digest = createHash("sha256").update(artifact).digest("hex");
  writeFileSync(join(rig.store, "artifacts", digest), artifact);
  rig.point(rig.putBundle("one", "good", { "artifacts.list": `${digest} ${artifact.length} any\n` }));
  rig.publish();
  rig.s3.misbehave({ key: /bundles/, fault: { kind: "truncate", after: 100 } });
  rig.s3.clockOffset = 7200_000;
  const log = join(rig.home, "trace");
  const { code, stderr } = await rig.run(["strace", "-f", "-qq", "-e", "trace=execve", "-z", "-o", log, "dash"], [], {
    AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
  });
  await imds.close();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const started = [...readFileSync(log, "utf8").matchAll(/execve\("([^"]+)"/g)].map(([, file = ""]) => basename(file));
  expect(started).toContain("curl");
  const page = readFileSync(new URL("../../docs/tools.md", import.meta.url), "utf8");
  const rows =
    page
      .split("## From the start")[0]
      ?.split("\n")
      .filter((line) => line.startsWith("| ")) ?? [];
  const listed = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([a-z0-9]+)`/g)].map(([, name]) => name),
  );
  expect([...new Set(started)].filter((name) => name !== "dash" && !listed.includes(name))).toEqual([]);
  // And the page is right about what is essential to Debian.
  const essential = execFileSync("dpkg-query", [
    "-W",
    "-f",
    "${Package} ${Essential}\n",
    ...["coreutils", "dash", "findutils", "gzip", "tar", "util-linux", "curl", "openssl"],
  ]).toString();
  expect(essential).toBe(
    "coreutils yes\ncurl no\ndash yes\nfindutils yes\ngzip yes\nopenssl no\ntar yes\nutil-linux yes\n",
  );
});
