import { once } from "node:events";
import { beforeAll, expect, test } from "vitest";
import { ensureDebianPackages } from "../support/debian.ts";
import { SHELLS, Stage1Rig } from "../support/stage1-rig.ts";

beforeAll(() => ensureDebianPackages(SHELLS.map((shell) => shell.package)));

test.each(SHELLS)(
  "stage1 --wait under $name waits for the run that holds the lock, and then goes on",
  async ({ argv }) => {
    const rig = new Stage1Rig();
    rig.point(rig.putBundle("held", "waits"));
    const said = async (child: ReturnType<Stage1Rig["start"]>): Promise<void> => {
      let text = "";
      for await (const chunk of child.stderr!) {
        text += chunk;
        if (text.includes("waiting")) return;
      }
      throw new Error(`It ended first: ${text}`);
    };
    const first = rig.start(argv);
    const firstEnded = once(first, "exit");
    await said(first);
    const second = rig.start(argv, ["boot"], {}, ["--wait"]);
    process.kill(-first.pid!, "SIGTERM");
    await firstEnded;
    await said(second);
    const secondEnded = once(second, "exit");
    process.kill(-second.pid!, "SIGTERM");
    expect(await secondEnded).toEqual([143, null]);
    expect(rig.ran()).toHaveLength(2);
    rig.dispose();
  },
);
