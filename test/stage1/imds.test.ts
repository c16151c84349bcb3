import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ImdsOptions, type ImdsServer, startImds } from "../support/aws/imds-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { useS3Rigs } from "../support/s3-rig.ts";
import { SHELLS } from "../support/stage1-rig.ts";

const startS3Rig = useS3Rigs(afterEach);
const services: ImdsServer[] = [];
async function imdsOf(options: ImdsOptions = {}): Promise<ImdsServer> {
  const imds = await startImds(options);
  services.push(imds);
  return imds;
}
afterEach(async () => {
  for (const imds of services.splice(0)) await imds.close();
});
beforeAll(() => ensureDebianPackages(["curl", ...SHELLS.map((shell) => shell.package)]));

const A = { accessKeyId: "ASIAFIRSTFIRSTFIRST1", secretAccessKey: "first/secret", sessionToken: "first+token==" };
const B = { accessKeyId: "ASIASECONDSECOND2222", secretAccessKey: "second/secret", sessionToken: "second+token==" };
const at = ({ url }: ImdsServer): Readonly<Record<string, string>> => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
const ROLE = "/latest/meta-data/iam/security-credentials/";
/** Asked first at every boot. */
const PURPOSE = "GET /latest/meta-data/tags/instance/bootlace:purpose 404";

describe.each(SHELLS)("stage1 under $name with auth=role", ({ argv }) => {
  test("signs with the role's credentials, asked for with a token once a run", async () => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    const rig = await startS3Rig({ credentials: [A] });
    rig.follow({ auth: "role", keysfile: "" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run(argv, [], at(imds))).toMatchObject({ code: 0 });
    expect(imds.requests).toEqual(["PUT /latest/api/token 200", PURPOSE, `GET ${ROLE} 200`, `GET ${ROLE}web-role 200`]);
    expect(rig.asked().map(({ headers }) => headers["x-amz-security-token"])).toEqual([
      "first+token==",
      "first+token==",
    ]);
  });

  test("asks for new credentials when those that it has run out between two requests", async () => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    const rig = await startS3Rig({ credentials: [A] });
    rig.follow({ auth: "role", keysfile: "" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    const runOut = (pointer: Buffer): Buffer => {
      rig.s3.credentials.splice(0, 1, { ...A, expired: true }, B);
      imds.credentials = B;
      return pointer;
    };
    rig.s3.misbehave({ key: /channels/, fault: { kind: "change", body: runOut } });
    expect(await rig.run(argv, [], at(imds))).toMatchObject({ code: 0 });
    expect(rig.asked().map(({ status }) => status)).toEqual([200, 400, 200]);
    expect(imds.requests.filter((request) => request.endsWith("web-role 200"))).toHaveLength(2);
  });
});

describe("stage1 with auth=role", () => {
  async function roleRig(credentials = [A]) {
    const rig = await startS3Rig({ credentials });
    rig.follow({ auth: "role", keysfile: "", deadline: "1" });
    return rig;
  }

  test("says that there is nothing newer when the service still has the credentials that ran out", async () => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    const rig = await roleRig([{ ...A, expired: true } as typeof A]);
    expect(await rig.run(["sh"], [], at(imds))).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /credentials of the role web-role ran out, and .* no newer ones \(HTTP 400 ExpiredToken\)/,
      ),
    });
    expect(rig.asked()).toHaveLength(1);
  });

  test("names the role where its rights are missing", async () => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    const rig = await roleRig([{ ...A, allow: [] } as typeof A]);
    expect(await rig.run(["sh"], [], at(imds))).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("that the role web-role has s3:GetObject"),
    });
  });

  test.each([
    ["has no role", {}, /this instance has no role: attach an instance profile/],
    ["cannot assume its role", { role: "web-role" }, /no credentials for the role web-role \(HTTP 404, Code none\)/],
  ])("explains an instance that %s", async (_name, options, message) => {
    const rig = await roleRig();
    const { code, stderr } = await rig.run(["sh"], [], at(await imdsOf(options)));
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(message) });
    expect(rig.asked()).toEqual([]);
  });

  test.each([
    ["names the hop limit when the token never comes, as in a container", 0, 4, /did not answer .*hop limit must be 2/],
    ["says that the service is switched off", 403, 2, /switched off for this instance: set HttpEndpoint to enabled/],
    ["says that the service fails", 500, 4, /instance metadata service answered HTTP 500/],
  ])("%s", async (_name, status, count, message) => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    imds.fail(status, 100);
    const rig = await roleRig();
    const { code, stderr } = await rig.run(["sh"], [], at(imds));
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(message) });
    // Once for the purpose and once for the role, each as often as may help.
    expect(imds.requests.length).toBeGreaterThanOrEqual(count);
  });

  test("asks for the token again after one answer that did not come", async () => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    imds.fail(0);
    const rig = await roleRig();
    rig.follow({ auth: "role", keysfile: "", deadline: "10" });
    rig.point(rig.putBundle("one"));
    rig.publish();
    expect(await rig.run(["sh"], [], at(imds))).toMatchObject({ code: 0 });
    expect(imds.requests.slice(0, 2)).toEqual(["PUT /latest/api/token 0", "PUT /latest/api/token 200"]);
  });

  test("asks nobody where the machine is not on EC2", async () => {
    const rig = await roleRig();
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("is not on EC2: use auth=keys") });
  });

  test("goes to the metadata service by no proxy", async () => {
    const imds = await imdsOf({ role: "web-role", credentials: A });
    const rig = await roleRig();
    rig.point(rig.putBundle("one"));
    rig.publish();
    // Nobody listens there: the store is out of reach, the service is not.
    const env = { ...at(imds), http_proxy: "http://127.0.0.1:9" };
    expect(await rig.run(["sh"], [], env)).toMatchObject({ code: 5, stderr: expect.stringMatching(/port 9\b/) });
    expect(imds.requests).toHaveLength(4);
  });
});

/** Runs what stands in stage1's files, with the variables that stage1 has by then. */
function sh(shell: readonly string[], script: string, more: Readonly<Record<string, string>>): Promise<string> {
  const [command = "sh", ...rest] = shell;
  const here = fileURLToPath(new URL("../../stage1", import.meta.url));
  const head = `set -uf\nLC_ALL=C here="${here}" why=''\n. "$here/sigv4"\n. "$here/imds"\n`;
  // In the background, since the service is in this very process.
  const child = spawn(command, [...rest, "-c", head + script], {
    env: { PATH: process.env.PATH, ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return Promise.all([text(child.stdout), text(child.stderr)]).then((said) => said.join(""));
}

describe.each(SHELLS)("instance_tag() of stage1 under $name", ({ argv }) => {
  const ASK = 'if instance_tag "bootlace:channel"; then echo "0 [$tag]"; else echo "1 $why"; fi\n';

  test("sets tag to the value of the instance's tag", async () => {
    const imds = await imdsOf({ tags: { "bootlace:channel": "canary 1" } });
    expect(await sh(argv, ASK, at(imds))).toBe("0 [canary 1]\n");
  });

  test("sets tag to nothing when there is no such tag, or tags are not shown", async () => {
    expect(await sh(argv, ASK, at(await imdsOf({ tags: {} })))).toBe("0 []\n");
    expect(await sh(argv, ASK, at(await imdsOf()))).toBe("0 []\n");
  });

  test("takes a new token when the old one's time is over", async () => {
    const imds = await imdsOf();
    imds.tags = {
      get "bootlace:channel"() {
        imds.clock += 301;
        return "canary";
      },
    };
    expect(await sh(argv, ASK + ASK, at(imds))).toBe("0 [canary]\n0 [canary]\n");
    const statuses = imds.requests.map((request) => request.replace(/ .* /, " "));
    expect(statuses).toEqual(["PUT 200", "GET 200", "GET 401", "PUT 200", "GET 200"]);
  });

  test("fails, and says why, when the service cannot be asked", async () => {
    const imds = await imdsOf();
    imds.fail(500, 2);
    expect(await sh(argv, ASK, at(imds))).toBe("1 EC2's instance metadata service answered HTTP 500\n");
  });
});

test("instance_tag() asks nobody where the machine is not on EC2", () => {
  const here = fileURLToPath(new URL("../../stage1", import.meta.url));
  const script = `here="${here}"\n. "$here/sigv4"\n. "$here/imds"\ncurl() { echo asked; }\ninstance_tag x\necho "$? [$tag]"`;
  expect(spawnSync("sh", ["-c", script], { encoding: "utf8" }).stdout).toBe("0 []\n");
});
