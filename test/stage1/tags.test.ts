import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ImdsServer, startImds } from "../support/aws/imds-server.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { type Outcome, SHELLS, Stage1Rig } from "../support/stage1-rig.ts";

let rig: Stage1Rig;
let imds: ImdsServer;
beforeAll(() => ensureDebianPackages(["curl", ...SHELLS.map((shell) => shell.package)]));
beforeEach(async () => {
  rig = new Stage1Rig({ tags: "channel,services" });
  imds = await startImds({ tags: {} });
  rig.point(rig.putBundle("prod"));
  rig.pointChannel("canary", rig.putBundle("canary"));
});
afterEach(async () => {
  rig.dispose();
  await imds.close();
});

const boot = (shell?: readonly string[], flags: readonly string[] = []): Promise<Outcome> =>
  rig.run(shell, [], { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url }, flags);
const tags = (): string | undefined => {
  const file = join(rig.state, "tags");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
};

describe.each(SHELLS)("instance tags, under $name", ({ argv }) => {
  test("choose the channel and the services where boot.conf believes them", async () => {
    imds.tags = { "bootlace:channel": "canary", "bootlace:services": "web +metrics" };
    expect(await boot(argv)).toMatchObject({ code: 0 });
    expect({ marks: rig.marks(), tags: tags() }).toEqual({
      marks: ["canary"],
      tags: "channel=canary\nservices=web +metrics\n",
    });
  });
});

describe("instance tags", () => {
  test("are passed over where boot.conf does not believe them, and what they said before is forgotten", async () => {
    imds.tags = { "bootlace:channel": "canary" };
    await boot();
    rig.writeConf();
    await boot();
    expect({ marks: rig.marks(), tags: tags() }).toEqual({ marks: ["canary", "prod"], tags: undefined });
    expect(imds.requests.filter((request) => request.includes("canary"))).toEqual([]);
  });

  test("of which only one is believed choose that one", async () => {
    rig.writeConf({ tags: "services" });
    imds.tags = { "bootlace:channel": "canary", "bootlace:services": "web" };
    await boot();
    expect({ marks: rig.marks(), tags: tags() }).toEqual({ marks: ["prod"], tags: "services=web\n" });
  });

  test("that cannot be read hold as they were read last", async () => {
    imds.tags = { "bootlace:channel": "canary" };
    await boot();
    imds.fail(500, 100);
    const { code, stderr } = await boot();
    expect({ code, stderr, marks: rig.marks() }).toEqual({
      code: 0,
      stderr: expect.stringContaining("going by what it said last"),
      marks: ["canary", "canary"],
    });
  });

  test("that are no channel are named and passed over", async () => {
    imds.tags = { "bootlace:channel": "Canary/../x y" };
    const { code, stderr } = await boot();
    expect({ code, stderr, marks: rig.marks() }).toEqual({
      code: 0,
      stderr: expect.stringContaining('the tag bootlace:channel is "Canary/../x y", which is no channel'),
      marks: ["prod"],
    });
  });

  test("are weaker than --channel", async () => {
    imds.tags = { "bootlace:channel": "canary" };
    await boot(["sh"], ["--channel", "prod"]);
    expect(rig.marks()).toEqual(["prod"]);
  });

  test("choose services also where the image's own bundle is booted", async () => {
    await boot();
    rig.writeConf({ store: "none", tags: "services" });
    imds.tags = { "bootlace:services": "metrics" };
    expect(await boot()).toMatchObject({ code: 0 });
    expect(tags()).toBe("services=metrics\n");
  });
});

describe("the tag bootlace:purpose", () => {
  const seed = (): string | undefined => {
    const file = join(rig.root, "run/bootlace/seed");
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  };

  test.each(SHELLS)(
    "says what the instance is for, where stage2 looks before anything else, under $name",
    async ({ argv }) => {
      imds.tags = { "bootlace:purpose": "build" };
      expect(await boot(argv)).toMatchObject({ code: 0 });
      expect(seed()).toBe("purpose=build\n");
    },
  );

  test("is waited for while the metadata service fails: nothing is run before it is known", async () => {
    rig.writeConf({ deadline: "30" });
    imds.tags = { "bootlace:purpose": "smoke" };
    imds.fail(500, 6);
    expect(await boot()).toMatchObject({ code: 0 });
    expect(seed()).toBe("purpose=smoke\n");
  });

  test("is given up at the deadline, aloud, and at once where the metadata service is switched off", async () => {
    rig.writeConf({ deadline: "1" });
    imds.fail(500, 100);
    expect((await boot()).stderr).toContain("the tag bootlace:purpose could not be read");
    expect(seed()).toBeUndefined();
    await imds.close();
    imds = await startImds({});
    imds.fail(403, 100);
    expect((await boot()).stderr).not.toContain("bootlace:purpose");
  });

  test("that is none of the three, or not there, leaves the machine one in use", async () => {
    imds.tags = { "bootlace:purpose": "build\npurpose=run" };
    await boot();
    expect(seed()).toBeUndefined();
    imds.tags = {};
    await boot();
    expect(seed()).toBeUndefined();
  });
});
